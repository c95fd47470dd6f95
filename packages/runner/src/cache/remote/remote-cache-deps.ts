import type { Log } from "@jobscope/labkit";
import type { RoleEvent } from "./role-event.ts";

/** What the stores of all kinds are given from outside. */
export interface RemoteCacheDeps {
  /** Runner log. */
  readonly log: Log;
  /** The runner process's own: identities and emulators are looked up in it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Hears of sessions of roles. */
  readonly onRole?: ((event: RoleEvent) => void) | undefined;
}

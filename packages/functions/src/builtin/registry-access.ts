import type { Dispatcher } from "undici";

/** How built-in functions reach registries. */
export interface RegistryAccess {
  readonly plainHttp: (registry: string) => boolean;
  /** For the proxies that the step's environment names. */
  readonly dispatcherFor: (env: Readonly<Record<string, string>>) => Dispatcher;
}

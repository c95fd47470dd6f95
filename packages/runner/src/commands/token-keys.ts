import { TomlDate } from "smol-toml";
import type { RunnerCredentials } from "../coordinator-client/registration.ts";

/** What the file keeps of a token: itself, when it was obtained, when it expires (Go's zero time: never). */
export function tokenKeys({ runnerToken, expiresAt }: RunnerCredentials): Readonly<Record<string, unknown>> {
  return {
    token: runnerToken,
    token_obtained_at: tomlInstant(new Date()),
    token_expires_at: expiresAt === undefined ? new TomlDate("0001-01-01T00:00:00Z") : tomlInstant(expiresAt),
  };
}

/** To the second, as GitLab's runner writes it. */
function tomlInstant(date: Date): TomlDate {
  return new TomlDate(`${date.toISOString().slice(0, 19)}Z`);
}

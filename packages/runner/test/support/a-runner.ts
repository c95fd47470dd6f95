import { parseConfig } from "../../src/config/parse-config.ts";
import type { RunnerConfig } from "../../src/config/runner-config.ts";
import type { CoordinatorClient } from "../../src/coordinator-client/coordinator-client.ts";
import { createCoordinatorClient } from "../../src/coordinator-client/create-coordinator-client.ts";

/** A runner entry for a coordinator's address; `changes` are keys as in `config.toml`. */
export function aRunner(url: string, changes: Readonly<Record<string, unknown>> = {}): RunnerConfig {
  const table = { name: "test runner", url, token: "glrt-0123456789", executor: "shell", ...changes };
  const [runner] = parseConfig({ runners: [table] }, { environment: {} }).runners;
  if (runner === undefined) throw new Error("a runner was configured");
  return runner;
}

/** A client of that coordinator, without a proxy. */
export function aClient(url: string, changes: Readonly<Record<string, unknown>> = {}): CoordinatorClient {
  return createCoordinatorClient({
    runner: aRunner(url, changes),
    systemId: "s_0123456789ab",
    proxy: { httpProxy: "", httpsProxy: "", noProxy: "" },
    connectionMaxAgeMs: 900_000,
  });
}

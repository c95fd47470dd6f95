import type { RunnerManagerConfig } from "../config/manager-config.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import { createRegistrationClient, type RegistrationClient } from "../coordinator-client/registration.ts";
import type { CommandIo } from "./command-io.ts";

/** Reaches a configured runner's coordinator as the runner itself does. */
export function connectRunner(
  config: Pick<RunnerManagerConfig, "proxy" | "systemId">,
  runner: Pick<RunnerConfig, "url" | "tls">,
  io: Pick<CommandIo, "signal">,
): RegistrationClient {
  return createRegistrationClient({
    url: runner.url,
    tls: runner.tls,
    proxy: config.proxy,
    systemId: config.systemId,
    signal: io.signal,
  });
}

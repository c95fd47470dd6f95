import type { Log } from "@jobscope/labkit";
import type { RunnerMetrics } from "./runner-metrics.ts";

/** A log whose lines of trouble are counted: `gitlab_runner_errors_total` (runner-protocol.md §6.11). */
export function countTrouble(log: Log, metrics: Pick<RunnerMetrics, "troubleLogged">): Log {
  return {
    debug: log.debug,
    info: log.info,
    warn(message, fields) {
      metrics.troubleLogged("warning");
      log.warn(message, fields);
    },
    error(message, fields) {
      metrics.troubleLogged("error");
      log.error(message, fields);
    },
    child: (fields) => countTrouble(log.child(fields), metrics),
  };
}

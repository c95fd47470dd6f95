import type { RunnerConfig } from "./runner-config.ts";
import type { TelemetryConfig } from "./telemetry-config.ts";

/** The process's proxy variables, read at the rim; empty text: none. Rule: runner-protocol.md §1.1. */
export interface ProxyConfig {
  /** `http_proxy`, else `HTTP_PROXY`. May hold credentials. */
  readonly httpProxy: string;
  /** `https_proxy`, else `HTTPS_PROXY`. */
  readonly httpsProxy: string;
  /** `no_proxy`, else `NO_PROXY`. */
  readonly noProxy: string;
}

/** The whole of `config.toml`, defaults filled in, deeply frozen. Rule: runner-protocol.md §6.2. */
export interface RunnerManagerConfig {
  /** Absolute path of the file it was read from; `undefined` for a configuration made in code. */
  readonly configFile: string | undefined;
  /** `concurrent`: jobs at once over all runners. Default: 1. */
  readonly concurrent: number;
  /** `check_interval` (seconds in the file), here in ms. Default: 3,000, also for values ≤ 0. */
  readonly checkIntervalMs: number;
  /** `log_level`: `error`, `warn`, `info`, `debug`. GitLab's `panic`, `fatal` mean `error`, `warning` means `warn`. */
  readonly logLevel: "error" | "warn" | "info" | "debug";
  /** `log_format`: `json`, or `human` for GitLab's `runner` and `text`. */
  readonly logFormat: "json" | "human";
  /** `listen_address` of the metrics server; `undefined`: none. Port 9252 when left out. */
  readonly listenAddress: string | undefined;
  /** `connection_max_age`, ms: idle connections are dropped after this. Default: 15 min; 0: never. */
  readonly connectionMaxAgeMs: number;
  /** `user` that jobs should run as. `run` refuses another than its own; `undefined`: nobody said. */
  readonly user: string | undefined;
  /** `shutdown_timeout` (seconds in the file), here in ms: bound of a forceful stop. Default: 30,000. */
  readonly shutdownTimeoutMs: number;
  /** Names this installation to its coordinators (runner-protocol.md §1.2.4). */
  readonly systemId: string;
  readonly proxy: ProxyConfig;
  readonly telemetry: TelemetryConfig;
  readonly runners: readonly RunnerConfig[];
  /** What the operator should know of this configuration although it can be used; sentences for the runner log. */
  readonly warnings: readonly string[];
  /** Keys nobody reads, e.g. `runners[0].frobnicate`: kept in the file and named once in the runner log. */
  readonly unknownKeys: readonly string[];
}

/** Values beside a message. Errors go in as `{ err }`, with their causes. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * The operator's log. A message is static, so that events group; what varies is in the fields, named like span
 * attributes where one exists: `log.warn("job log patch refused", { "ci.job.id": 7, status: 416 })`.
 *
 * Rule: style.md §10. Levels: `error` someone must act; `warn` degraded, going on; `info` lifecycle; `debug` the rest.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds `fields` to every line: made once per scope (a job, an endpoint). */
  child(fields: LogFields): Log;
}

/** Says nothing. For tests and for callers that bring no log. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};

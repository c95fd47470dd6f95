/** GitLab's words for how much is logged, and ours for the same. Rule: runner-protocol.md §6.2. */
export const logLevels = {
  panic: "error",
  fatal: "error",
  error: "error",
  warning: "warn",
  warn: "warn",
  info: "info",
  debug: "debug",
} as const;

/** The colours of the job log. Rule: runner-protocol.md §2.4.1 (note the empty parameter of `reset`). */
export const ansi = {
  reset: "\x1b[0;m",
  clearLine: "\x1b[0K",
  boldRed: "\x1b[31;1m",
  boldGreen: "\x1b[32;1m",
  boldYellow: "\x1b[33;1m",
  boldCyan: "\x1b[36;1m",
  yellow: "\x1b[0;33m",
  grey: "\x1b[0;37m",
} as const;

/** Exit codes of every command: all well; a job failed; usage, configuration or environment is wrong; Ctrl-C. */
export type ExitCode = 0 | 1 | 2 | 130;

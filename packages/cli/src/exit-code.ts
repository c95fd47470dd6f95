/** Exit codes of every command: all well; a job failed or was cancelled; usage, configuration or environment is wrong. */
export type ExitCode = 0 | 1 | 2;

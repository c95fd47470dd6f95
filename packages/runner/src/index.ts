export type { RunnerConfig } from "./config/runner-config.ts";

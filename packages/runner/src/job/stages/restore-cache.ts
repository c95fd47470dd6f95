import type { PreparedRun } from "../job-run.ts";
export async function restoreCache(_run: PreparedRun, _signal: AbortSignal): Promise<void> {}

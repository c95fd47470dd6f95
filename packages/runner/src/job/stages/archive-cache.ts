import type { PreparedRun } from "../job-run.ts";
export async function archiveCache(_run: PreparedRun, _isSuccess: boolean, _signal: AbortSignal): Promise<void> {}

import type { PreparedRun } from "../job-run.ts";
export async function downloadArtifacts(_run: PreparedRun, _signal: AbortSignal): Promise<void> {}

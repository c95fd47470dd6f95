import { hash } from "node:crypto";

/** Trace id of all jobs of a pipeline and its children: the root pipeline's id as 128-bit hex (telemetry.md §1). */
export function traceIdOf(rootPipelineId: number): string {
  return rootPipelineId.toString(16).padStart(32, "0");
}

/**
 * Span id of one of GitLab's own spans: the first 16 hex digits of SHA-256 over its subject (telemetry.md §1).
 * @param subject `<root pipeline id>:<job id>:<kind>` or `pipeline:<root pipeline id>`.
 */
export function spanIdOf(subject: string): string {
  return hash("sha256", subject).slice(0, 16);
}

/** Whether a pipeline is traced, decided by its root's id alone, so that all of a trace is kept or none. */
export function isSampled(rootPipelineId: number, ratio: number): boolean {
  const digest = hash("sha256", `sampling:${rootPipelineId}`, "buffer");
  return digest.readUInt32BE(0) / 2 ** 32 < ratio;
}

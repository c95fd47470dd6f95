import { createLogSectionParser, type StageSpan } from "@jobscope/job-telemetry";

/**
 * Makes spans of the collapsible sections that a job's own output opens (telemetry.md §2).
 *
 * @param spanNow the span of the stage whose script runs; `undefined` while no script of the user's does.
 * @returns takes the output, masked, before timestamps.
 */
export function recordSections(
  spanNow: () => Pick<StageSpan, "recordSection"> | undefined,
): (bytes: Uint8Array) => void {
  const parser = createLogSectionParser({ format: "raw" });
  return (bytes) => {
    const span = spanNow();
    if (span === undefined) return;
    for (const event of parser.push(bytes)) span.recordSection(event);
  };
}

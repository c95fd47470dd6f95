import { createCollectorClient } from "@jobscope/collector/client";
import { apiOf, type CollectorProcess } from "../local-ci/collector-process.ts";
import { viewOfStoredSpan } from "../view/stored-span.ts";
import type { ViewSpan } from "../view/view-span.ts";

/**
 * Reads a pipeline's spans back, so that what the user sees at the end is what was stored.
 *
 * @returns `undefined`, and a note says why, when the store has no answer: the spans of this process are shown then.
 */
export async function readStoredSpans(
  collector: CollectorProcess,
  traceId: string,
  note: (text: string) => void,
): Promise<ViewSpan[] | undefined> {
  try {
    await using client = createCollectorClient(apiOf(collector));
    const trace = await client.getTrace(traceId);
    if (trace !== undefined) return trace.spans.map(viewOfStoredSpan);
    note(`The collector has no span of trace ${traceId}; shown is what this process saw.`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    note(`The stored trace could not be read (${why}); shown is what this process saw.`);
  }
  return undefined;
}

/** What the receivers did since the start; one object, counted up in place. */
export interface IngestStats {
  receivedSpans: number;
  storedSpans: number;
  repeatedSpans: number;
  rejectedSpans: number;
  refusedRequests: number;
  failedRequests: number;
}

export function newIngestStats(): IngestStats {
  return {
    receivedSpans: 0,
    storedSpans: 0,
    repeatedSpans: 0,
    rejectedSpans: 0,
    refusedRequests: 0,
    failedRequests: 0,
  };
}

import { type TokenSource, TokenSourceError } from "../auth/token-source.ts";
import type { ExportOutcome } from "./export-outcome.ts";
import { defaultTimeoutMs } from "./http-transport.ts";
import type { EncodedRequest, Transport } from "./transport.ts";

export interface SenderDeps {
  readonly url: URL;
  readonly transport: Transport;
  readonly tokenSource: TokenSource | undefined;
}

/**
 * Sends one request with credentials; once more with new ones when the first were refused and others are to be had.
 * Never rejects.
 */
export function createSender({ url, transport, tokenSource }: SenderDeps) {
  async function sendOnce(request: EncodedRequest, signal: AbortSignal): Promise<ExportOutcome> {
    const headers = await readCredentials(tokenSource, url, signal);
    return headers instanceof Error ? outcomeOf(headers) : await transport.send(request, { headers, signal });
  }

  return async (request: EncodedRequest, signal: AbortSignal): Promise<ExportOutcome> => {
    const outcome = await sendOnce(request, signal);
    const mayRefresh = outcome.kind === "unauthorized" && outcome.mayRefresh && tokenSource?.invalidate() === true;
    return mayRefresh ? await sendOnce(request, signal) : outcome;
  };
}

async function readCredentials(
  source: TokenSource | undefined,
  url: URL,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>> | Error> {
  if (source === undefined) return {};
  try {
    return await source.headers({ url, signal: AbortSignal.any([signal, AbortSignal.timeout(defaultTimeoutMs)]) });
  } catch (error) {
    return error instanceof Error ? error : new Error("credentials could not be had", { cause: error });
  }
}

function outcomeOf(error: Error): ExportOutcome {
  const isFinal = error instanceof TokenSourceError && !error.retryable;
  const why = error instanceof TokenSourceError ? error.message : "credentials could not be had in time";
  return isFinal
    ? { kind: "unauthorized", mayRefresh: false, why }
    : { kind: "try-later", retryAfterMs: undefined, why };
}

import { setTimeout as delay } from "node:timers/promises";
import { createLineReader } from "../../line-reader.ts";
import { type Engine, engineMessage } from "../engine.ts";
import { pullNameOf } from "./image-reference.ts";
import { isTransient } from "./pull-failure.ts";
import type { FindLogin } from "./registry-auth.ts";

/** Seconds between the tries at one pull, at random within. Rule: runner-protocol.md §4.5. */
const retryDelaysMs: readonly [number, number] = [2_000, 10_000];
const tries = 3;

export interface PullRequest {
  readonly reference: string;
  readonly platform: string | undefined;
  readonly findLogin: FindLogin;
  readonly lines: { plain(text: string): void; warning(text: string): void };
  readonly signal: AbortSignal;
  /** Shortest and longest wait before another try. Default: 2 and 10 s. */
  readonly retryDelaysMs?: readonly [number, number];
}

/**
 * Has the engine fetch an image from its registry.
 *
 * @returns the bytes that came over the network.
 * @throws the engine's or the registry's error. @throws the signal's reason when it was aborted.
 */
export async function pullImage(engine: Engine, request: PullRequest): Promise<number> {
  const { reference, platform, lines, signal } = request;
  const login = await request.findLogin(reference, lines.warning);
  if (login !== undefined) lines.plain(`Authenticating with credentials from ${login.source}`);
  lines.plain(`Pulling docker image ${reference}${platform === undefined ? "" : ` for platform ${platform}`} ...`);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pullOnce(engine, request, login?.auth);
    } catch (error) {
      signal.throwIfAborted();
      const message = engineMessage(error);
      if (attempt >= tries || !isTransient(message)) throw error;
      lines.warning(`Failed to pull image "${reference}" (attempt #${attempt}), retrying: ${message}`);
      const [shortest, longest] = request.retryDelaysMs ?? retryDelaysMs;
      const waitMs = shortest + Math.random() * (longest - shortest);
      await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

async function pullOnce(engine: Engine, { reference, platform, signal }: PullRequest, auth: object | undefined) {
  const stream = await engine.pull(pullNameOf(reference), {
    abortSignal: signal,
    ...(auth === undefined ? {} : { authconfig: auth }),
    ...(platform === undefined ? {} : { platform }),
  });
  const bytesByLayer = new Map<string, number>();
  const onAbort = () => (stream as NodeJS.ReadableStream & { destroy?(): void }).destroy?.();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await readProgress(stream, (event) => {
      const { id, status, progressDetail } = event;
      if (status === "Downloading" && id !== undefined) bytesByLayer.set(id, progressDetail?.total ?? 0);
    });
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  signal.throwIfAborted();
  return [...bytesByLayer.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** One line of the engine's answer to a pull. */
interface PullEvent {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly total?: number };
  readonly error?: string;
}

/** @throws {Error} with the first error that a line tells of. */
async function readProgress(stream: NodeJS.ReadableStream, onEvent: (event: PullEvent) => void): Promise<void> {
  const read = createLineReader((line) => {
    if (line.trim() === "") return;
    const event = JSON.parse(line) as PullEvent;
    if (event.error !== undefined) throw new Error(event.error);
    onEvent(event);
  });
  for await (const chunk of stream as AsyncIterable<Buffer>) read(chunk);
  // The last line may lack its end.
  read(Buffer.from("\n"));
}

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it arrived. */
export interface RecordedCall {
  readonly method: string;
  /** With its query: `/api/v4/jobs/7/trace?debug_trace=false`. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** The body as JSON; `undefined` when it is none. */
  readonly json: Record<string, unknown> | undefined;
}

/** One answer. `undefined` members have the neutral value. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text and bytes as they are, anything else as JSON with its content type. */
  readonly body?: unknown;
  /** Answers only after this resolves. */
  readonly after?: Promise<unknown>;
  /** `reset` closes the connection without an answer; `truncate` in the middle of the body; `hang` never answers. */
  readonly misbehave?: "reset" | "truncate" | "hang";
}

/** Which calls an answer is for: the last words of the paths of runner-protocol.md §1.5. */
export type CallKind = "request" | "update" | "patch" | "upload" | "download" | "verify" | "register" | "other";

/**
 * A coordinator that does what a test tells it to, on a real socket. Unscripted calls get the answers of a friendly
 * GitLab: no job, 200, 202 with the right `Range`, 201.
 */
export interface ScriptableCoordinator extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly RecordedCall[];
  /** The next unanswered calls of this kind get these answers, in order. */
  script(kind: CallKind, ...answers: readonly ScriptedAnswer[]): void;
  /** Every call of this kind gets this answer once the scripted ones are used up. */
  always(kind: CallKind, answer: (call: RecordedCall) => ScriptedAnswer): void;
  /** The calls of one kind so far. */
  callsOf(kind: CallKind): readonly RecordedCall[];
  /** Resolves when a call of this kind satisfies `accepts`, one that already came included. */
  waitFor(kind: CallKind, accepts?: (call: RecordedCall) => boolean): Promise<RecordedCall>;
}

/** @param options `keepsCalls`: false when there are so many that nobody looks at them. Default: true. */
export async function startScriptableCoordinator({ keepsCalls = true } = {}): Promise<ScriptableCoordinator> {
  const calls: RecordedCall[] = [];
  const scripts = new Map<CallKind, ScriptedAnswer[]>();
  const standing = new Map<CallKind, (call: RecordedCall) => ScriptedAnswer>();
  const waiting = new Set<() => void>();

  const server = createServer((request, response) => {
    void receive(request, response);
  });

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // The client went away; there is nobody to answer.
    }
    const body = Buffer.concat(chunks);
    const { method = "", url: path = "", headers } = request;
    const call: RecordedCall = { method, path, headers, body, json: parseJson(body) };
    if (keepsCalls) calls.push(call);
    for (const look of waiting) look();
    const kind = kindOf(call);
    await reply(scripts.get(kind)?.shift() ?? standing.get(kind)?.(call) ?? friendly(kind, call), response);
  }

  function friendly(kind: CallKind, call: RecordedCall): ScriptedAnswer {
    switch (kind) {
      case "request":
        return { status: 204 };
      case "update":
        return { status: 200, headers: { "job-status": "running" } };
      case "patch": {
        const end = Number(/-(\d+)$/.exec(String(call.headers["content-range"]))?.[1] ?? -1) + 1;
        return { status: 202, headers: { "job-status": "running", range: `0-${end}` } };
      }
      case "upload":
      case "register":
        return { status: 201, body: { id: 5, token: "glrt-new", token_expires_at: null } };
      case "verify":
        return { status: 200, body: { id: 5, token: "glrt-new", token_expires_at: null } };
      case "download":
      case "other":
        return { status: 404, body: { message: "404 Not Found" } };
    }
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    script: (kind, ...answers) => {
      scripts.set(kind, [...(scripts.get(kind) ?? []), ...answers]);
    },
    always: (kind, answer) => {
      standing.set(kind, answer);
    },
    callsOf: (kind) => calls.filter((call) => kindOf(call) === kind),
    async waitFor(kind, accepts = () => true) {
      const find = () => calls.find((call) => kindOf(call) === kind && accepts(call));
      const { promise, resolve } = Promise.withResolvers<RecordedCall>();
      const look = () => {
        const found = find();
        if (found !== undefined) resolve(found);
      };
      waiting.add(look);
      look();
      return await promise.finally(() => waiting.delete(look));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function reply(answer: ScriptedAnswer, response: ServerResponse): Promise<void> {
  await answer.after;
  if (answer.misbehave === "hang") return;
  if (answer.misbehave === "reset") {
    response.socket?.resetAndDestroy();
    return;
  }
  if (answer.body instanceof Uint8Array) {
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
    return;
  }
  const isText = typeof answer.body === "string" || answer.body === undefined;
  const text = isText ? String(answer.body ?? "") : JSON.stringify(answer.body);
  const headers = { ...(isText ? {} : { "content-type": "application/json" }), ...answer.headers };
  if (answer.misbehave === "truncate") {
    response.writeHead(answer.status ?? 200, { ...headers, "content-length": String(Buffer.byteLength(text) + 100) });
    response.write(text, () => response.socket?.destroy());
    return;
  }
  response.writeHead(answer.status ?? 200, headers);
  response.end(answer.status === 204 ? undefined : text);
}

function kindOf({ method, path }: RecordedCall): CallKind {
  const [bare = ""] = path.split("?");
  if (bare.endsWith("/jobs/request")) return "request";
  if (/\/jobs\/\d+\/trace$/.test(bare)) return "patch";
  if (/\/jobs\/\d+\/artifacts$/.test(bare)) return method === "POST" ? "upload" : "download";
  if (method === "PUT" && /\/jobs\/\d+$/.test(bare)) return "update";
  if (bare.endsWith("/runners/verify")) return "verify";
  if (method === "POST" && bare.endsWith("/runners")) return "register";
  return "other";
}

function parseJson(body: Buffer): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

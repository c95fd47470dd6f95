import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { RunHelper, ScriptOutcome } from "../executors/executor.ts";
import { createLineReader } from "../executors/line-reader.ts";
import { type HelperMessage, helperMessage } from "./helper-message.ts";
import { type HelperRequest, serveTasksCommand } from "./helper-protocol.ts";
import type { TaskName, TaskOptions, WorkspaceTasks } from "./workspace.ts";
import { WorkspaceError } from "./workspace-error.ts";

/** A running helper program. Disposal ends it and waits until it is gone. */
export interface HelperProcess extends AsyncDisposable {
  readonly hasEnded: boolean;
  /** One request at a time. An aborted one ends the process. */
  ask<Name extends TaskName>(
    request: HelperRequest<Name>,
    options: TaskOptions,
  ): Promise<WorkspaceTasks[Name]["result"]>;
}

export interface HelperProcessOptions {
  readonly runHelper: RunHelper;
  readonly graceMs: number;
}

/** What a process says last on its standard error is enough to know why it ended. */
const maxComplaintLength = 2_000;

export function startHelperProcess({ runHelper, graceMs }: HelperProcessOptions): HelperProcess {
  const stdin = new PassThrough();
  const kill = new AbortController();
  let onMessage: (message: HelperMessage) => void = () => {};
  let complaint = "";
  let hasEnded = false;
  const readLines = createLineReader((line) => onMessage(readMessage(line)));
  const outcome = runHelper(
    {
      args: [serveTasksCommand],
      stdin,
      onStdout: readLines,
      onStderr: (chunk) => {
        complaint = `${complaint}${Buffer.from(chunk).toString()}`.slice(-maxComplaintLength);
      },
    },
    { signal: kill.signal },
  ).finally(() => {
    hasEnded = true;
    stdin.destroy();
  });
  // Whoever asks is told; a process that nobody asks anything may end as it likes.
  outcome.catch(() => undefined);

  async function end(): Promise<void> {
    stdin.end();
    const timer = new AbortController();
    const isOverdue = delay(graceMs, undefined, { signal: timer.signal }).then(
      () => kill.abort(new Error(`the helper did not end within ${graceMs} ms`)),
      () => undefined,
    );
    await outcome.catch(() => undefined);
    timer.abort();
    await isOverdue;
  }

  async function answerTo<Name extends TaskName>(
    request: HelperRequest<Name>,
    { report, onFacts, signal }: TaskOptions,
  ): Promise<WorkspaceTasks[Name]["result"]> {
    const answer = Promise.withResolvers<WorkspaceTasks[Name]["result"]>();
    onMessage = (message) => {
      switch (message.kind) {
        case "line":
          return report[message.level](message.message, message.fields);
        case "facts":
          return onFacts?.(message.facts);
        case "result":
          // The program at the other end is ours and of this protocol: what it did is what it was asked for.
          return answer.resolve(message.result as WorkspaceTasks[Name]["result"]);
        case "failed":
          return answer.reject(new WorkspaceError(message.message));
        case "broken":
          return answer.reject(new Error(`the helper program failed: ${message.message}`));
      }
    };
    outcome.then(
      (ended) => answer.reject(new Error(describeEnd(ended, complaint))),
      (error: unknown) => answer.reject(error),
    );
    const onAbort = () => answer.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      stdin.write(`${JSON.stringify(request)}\n`);
      return await answer.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      onMessage = () => {};
    }
  }

  return {
    get hasEnded() {
      return hasEnded;
    },
    async ask(request, options) {
      try {
        return await answerTo(request, options);
      } catch (error) {
        if (options.signal.aborted) await end();
        options.signal.throwIfAborted();
        throw error;
      }
    },
    [Symbol.asyncDispose]: end,
  };
}

/** @returns `broken` for a line that is no message: of another program, or of a helper of another version. */
function readMessage(line: string): HelperMessage {
  const parsed = helperMessage.safeParse(parseJson(line));
  return parsed.data ?? { kind: "broken", message: `it said ${JSON.stringify(line.slice(0, 200))}` };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function describeEnd(outcome: ScriptOutcome, complaint: string): string {
  const how =
    outcome.kind === "exited"
      ? `ended with exit code ${outcome.exitCode}`
      : outcome.kind === "killed"
        ? `was ended by ${outcome.signal}`
        : "hangs";
  const said = complaint.trim();
  const isMissing = outcome.kind === "exited" && (outcome.exitCode === 126 || outcome.exitCode === 127);
  const hint = isMissing ? '. Was the image in helper_image made by "jobscope helper-image"?' : "";
  return `the helper program ${how} before its work was done${said === "" ? "" : `: ${said}`}${hint}`;
}

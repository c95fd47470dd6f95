import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { ProxyConfig } from "../config/manager-config.ts";
import { type Environment, readProxyConfig } from "../config/process-environment.ts";
import type { ArtifactAccess, ArtifactClient } from "../coordinator-client/coordinator-client.ts";
import type { HelperMessage } from "../workspace/helper-message.ts";
import { type HelperRequest, helperProtocol } from "../workspace/helper-protocol.ts";
import { isTaskName, performTask } from "../workspace/perform-task.ts";
import type { TaskContext } from "../workspace/task-context.ts";
import type { TaskReport, TaskReportFields } from "../workspace/workspace.ts";
import { WorkspaceError } from "../workspace/workspace-error.ts";
import { gatherFacts } from "./gather-facts.ts";

export interface ServeTasksOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly environment: Environment;
}

/** Does the tasks that come in, one after the other, until the input ends; that also aborts the one under way. */
export async function serveTasks({ input, output, environment }: ServeTasksOptions): Promise<void> {
  const unwanted = new AbortController();
  const stop = () => unwanted.abort(new Error("the runner wants no more"));
  input.once("end", stop).once("error", stop);
  output.once("error", stop);
  const say = (message: HelperMessage) => void output.write(`${JSON.stringify(message)}\n`);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    if (unwanted.signal.aborted) return;
    say(await answerTo(line, { say, environment, signal: unwanted.signal }));
  }
}

interface Surroundings {
  readonly say: (message: HelperMessage) => void;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

async function answerTo(line: string, around: Surroundings): Promise<HelperMessage> {
  try {
    return { kind: "result", result: { ...(await perform(readRequest(line), around)) } };
  } catch (error) {
    if (error instanceof WorkspaceError) return { kind: "failed", message: error.message };
    return { kind: "broken", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function readRequest(line: string): HelperRequest {
  // What comes in is written by the runner that started this program; of another version it may be something else.
  const request = JSON.parse(line) as HelperRequest;
  if (request.protocol !== helperProtocol) {
    throw new WorkspaceError(
      `the helper program speaks protocol ${helperProtocol}, the runner ${request.protocol}: ` +
        "use a helper image of the runner's own version",
    );
  }
  if (!isTaskName(request.task)) throw new WorkspaceError(`the helper program knows no task ${request.task}`);
  return request;
}

async function perform({ task, request, access }: HelperRequest, { say, environment, signal }: Surroundings) {
  const line =
    (level: keyof TaskReport) =>
    (message: string, fields: TaskReportFields = {}) =>
      say({ kind: "line", level, message, fields });
  const variables = "variables" in request ? request.variables : {};
  const proxy = readProxyConfig({ ...environment, ...variables });
  await using connected = access === undefined ? undefined : await connect(access, proxy);
  const facts = gatherFacts((some) => say({ kind: "facts", facts: some }));
  const context: TaskContext = {
    client: connected ?? unreachable,
    environment,
    temporaryPrefix: "jobscope-artifacts-",
    report: { info: line("info"), warning: line("warning"), error: line("error") },
    onFacts: facts.add,
    signal,
  };
  try {
    return await performTask(task, request, context);
  } finally {
    facts.flush();
  }
}

/** Loaded when artifacts are moved: most of the program is the HTTP client. */
async function connect(access: ArtifactAccess, proxy: ProxyConfig): Promise<ArtifactClient & AsyncDisposable> {
  const { createArtifactClient } = await import("../coordinator-client/create-artifact-client.ts");
  return createArtifactClient(access, { proxy });
}

/** For tasks that have no business with the coordinator. */
const unreachable: ArtifactClient = {
  uploadArtifact: () => Promise.reject(new Error("the runner did not say how to reach the coordinator")),
  downloadArtifact: () => Promise.reject(new Error("the runner did not say how to reach the coordinator")),
};

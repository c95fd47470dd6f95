import {
  measureProcessTree,
  type ProcessTreeMeter,
  type SpanAttributes,
  type StageSpan,
} from "@jobscope/job-telemetry";
import type { ScriptOutcome } from "../../executors/executor.ts";
import { JobFailure } from "../job-failure.ts";
import type { PreparedRun } from "../job-run.ts";
import { scriptFailure } from "./run-stage.ts";

export interface StageScript {
  readonly name: string;
  readonly text: string;
  readonly span: StageSpan;
  readonly signal: AbortSignal;
  /** Whose surroundings it needs: see `ScriptRun`. */
  readonly container: "build" | "helper";
  /** Whether another script of the job will follow if this one succeeds. Default: false. */
  readonly isFollowed?: boolean;
}

/**
 * Runs a script of a stage, its output into the job log.
 *
 * @throws {JobFailure} when it does not end with 0. @throws the signal's reason when it was aborted.
 */
export async function runScript(run: PreparedRun, script: StageScript): Promise<void> {
  const { signal, span } = script;
  const stdout = run.log.openStream("stdout");
  const stderr = run.log.openStream("stderr");
  const isTraced = run.options.jobTrace.traceId !== undefined;
  let meter: ProcessTreeMeter | undefined;
  let outcome: ScriptOutcome;
  try {
    outcome = await run.session.run(
      {
        stageName: script.name,
        container: script.container,
        text: script.text,
        isFollowed: script.isFollowed ?? false,
        onStdout: stdout.write,
        onStderr: stderr.write,
        onStart: (pid) => {
          if (isTraced) meter = measureProcessTree(pid);
        },
      },
      { signal },
    );
  } finally {
    stdout.end();
    stderr.end();
    const usage = meter?.stop();
    span.setAttributes({
      "ci.stage.cpu_time_s": usage?.cpuTimeS,
      "ci.stage.memory_peak_bytes": usage?.memoryPeakBytes,
    });
  }
  if (outcome.kind === "exited") {
    span.setAttributes(exitAttributes(outcome));
    if (outcome.usage?.isOutOfMemory === true) run.lines.warning(outOfMemoryText);
  }
  signal.throwIfAborted();
  throwUnlessSuccess(run, outcome);
}

const outOfMemoryText =
  "The container ran out of memory: the kernel ended a process in it. " +
  "What it may use is set by `memory` in [runners.docker] of the runner's configuration.";

/** What a container used is known when it has ended; for processes of this machine see above. */
function exitAttributes({ exitCode, usage }: Extract<ScriptOutcome, { kind: "exited" }>): SpanAttributes {
  if (usage === undefined) return { "ci.stage.exit_code": exitCode };
  return {
    "ci.stage.exit_code": exitCode,
    "ci.stage.cpu_time_s": usage.cpuTimeS,
    "ci.stage.memory_peak_bytes": usage.memoryPeakBytes,
    "ci.stage.network_receive_bytes": usage.networkReceiveBytes,
    "ci.stage.network_transmit_bytes": usage.networkTransmitBytes,
    "ci.stage.oom_killed": usage.isOutOfMemory ? true : undefined,
  };
}

/** Wording of the errors: runner-protocol.md §2.6, §2.8. */
function throwUnlessSuccess(run: PreparedRun, outcome: ScriptOutcome): void {
  if (outcome.kind === "exited") {
    if (outcome.exitCode !== 0) throw scriptFailure(run, outcome.exitCode);
  } else if (outcome.kind === "killed") {
    const signal = signalTexts[outcome.signal] ?? outcome.signal;
    throw new JobFailure(`signal: ${signal}`, { reason: "script_failure", exitCode: -1 });
  } else {
    throw new JobFailure(`failed to kill process PID=${outcome.pid}, likely process is dormant`, {
      reason: "runner_system_failure",
    });
  }
}

/** How Go names signals, as in `signal: killed`. */
const signalTexts: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGQUIT: "quit",
  SIGILL: "illegal instruction",
  SIGTRAP: "trace/breakpoint trap",
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGKILL: "killed",
  SIGUSR1: "user defined signal 1",
  SIGSEGV: "segmentation fault",
  SIGUSR2: "user defined signal 2",
  SIGPIPE: "broken pipe",
  SIGALRM: "alarm clock",
  SIGTERM: "terminated",
};

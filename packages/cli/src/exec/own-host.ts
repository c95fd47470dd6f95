import type { Pipeline } from "@jobscope/coordinator";
import { aborted, type Interrupts } from "../interrupts.ts";
import { prepareContainers, whyNoContainers } from "../local-ci/containers.ts";
import { type LocalCi, startLocalCi } from "../local-ci/local-ci.ts";
import type { LocalRunner, LocalRunnerOptions } from "../local-ci/local-runner.ts";
import { registrationCommands } from "../local-ci/registration-commands.ts";
import { checkNeeds, needsContainers } from "./check-needs.ts";
import type { HostOptions, PipelineHost } from "./pipeline-host.ts";

/** Bound of the last flush: an endpoint that does not answer must not keep the user waiting (telemetry.md §4). */
const flushTimeoutMs = 5_000;

/** How long others may still read what became of a pipeline that ran here. */
const guestFarewellMs = 5_000;

/**
 * A coordinator in this process, and a runner, unless runners from outside are waited for.
 * @throws {CoordinatorError} `data-dir-in-use` among others.
 */
export async function startOwnHost(host: HostOptions): Promise<PipelineHost> {
  const { options } = host;
  const ci = await startLocalCi({ ...host, dataDir: options.dataDir, listen: options.listen });
  cancelLeftovers(ci);
  return options.awaitsRunners ? awaitingHost(ci, host) : runningHost(ci, host);
}

function runningHost(ci: LocalCi, { context, options, log, note, signal }: HostOptions): PipelineHost {
  let runner: LocalRunner | undefined;
  let containers: LocalRunnerOptions["containers"] = options.executor === "shell" ? "ignored" : "none";
  return {
    coordinator: ci.coordinator,
    runners: `${options.concurrent} at once`,
    isElsewhere: false,
    async prepare({ jobs }) {
      if (options.executor === "auto" && needsContainers(jobs)) containers = "docker";
      checkNeeds(jobs, containers === "docker" ? await whyNoContainers() : undefined);
      if (containers === "docker") await prepareContainers({ log, note, signal });
    },
    begin: async () => {
      runner = await ci.startRunner({ concurrent: options.concurrent, environment: context.environment, containers });
    },
    abort: (reason) => runner?.abort(reason),
    settle: async (pipelineId) => {
      const flushed = ci.flush(AbortSignal.timeout(flushTimeoutMs));
      // The runner sends the last of its spans when it is disposed of; while it works for others it goes on sending.
      const isDone = guestsOf(ci, pipelineId).length === 0;
      await Promise.all([flushed, isDone ? runner?.[Symbol.asyncDispose]() : undefined]);
    },
    leave: (pipelineId, interrupts) => waitForGuests(ci, pipelineId, interrupts, note),
    [Symbol.asyncDispose]: () => ci[Symbol.asyncDispose](),
  };
}

function awaitingHost(ci: LocalCi, { context, note }: HostOptions): PipelineHost {
  return {
    coordinator: ci.coordinator,
    runners: "on runners from outside",
    isElsewhere: true,
    // What they will be able to do is not known before they come.
    prepare: async () => undefined,
    begin: async () => {
      const { token } = ci.coordinator.createRunnerToken({ description: "runner from outside", ignoresTags: true });
      const commands = registrationCommands({ url: ci.coordinator.url, token });
      context.stdout.write(`Waiting for runners. To register one:\n${commands}`);
    },
    abort: () => undefined,
    settle: () => ci.flush(AbortSignal.timeout(flushTimeoutMs)),
    leave: (pipelineId, interrupts) => waitForGuests(ci, pipelineId, interrupts, note),
    [Symbol.asyncDispose]: () => ci[Symbol.asyncDispose](),
  };
}

/** Pipelines of an `exec` that was killed: their jobs must not run now. */
function cancelLeftovers({ coordinator }: LocalCi): void {
  for (const pipeline of coordinator.pipelines()) pipeline.cancel({ force: true });
}

/** Pipelines that other processes have handed to this one. */
function guestsOf({ coordinator }: LocalCi, ownPipelineId: number): Pipeline[] {
  return coordinator.pipelines().filter((pipeline) => pipeline.id !== ownPipelineId && !pipeline.isSettled());
}

/** Whoever handed their pipeline over relies on this process; one signal more and they are left. */
async function waitForGuests(
  ci: LocalCi,
  ownPipelineId: number,
  interrupts: Interrupts,
  note: (text: string) => void,
): Promise<void> {
  const guests = guestsOf(ci, ownPipelineId);
  if (guests.length === 0) return;
  const ids = guests.map(({ id }) => id).join(", ");
  note(`Another jobscope exec runs pipeline ${ids} here; this one stays until it ends. Ctrl-C cancels it.`);
  const stop = interrupts.polite.aborted ? interrupts.urgent : interrupts.polite;
  await Promise.race([Promise.all(guests.map(({ finished }) => finished)), aborted(stop)]);
  for (const guest of guests) guest.cancel({ force: true });
  await Promise.all(guests.map(({ finished }) => finished));
  // They still read the end of it, from this coordinator and its collector.
  await Promise.race([aborted(AbortSignal.timeout(guestFarewellMs)), aborted(interrupts.urgent)]);
}

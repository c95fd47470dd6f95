import { setTimeout as delay } from "node:timers/promises";
import type Dockerode from "dockerode";
import { within } from "../../within.ts";
import { engineStatus, isNotFound } from "../engine.ts";
import { execInContainer } from "./exec-in-container.ts";

/** How long processes get between being asked to end and the kill. Rule: runner-protocol.md §4.8. */
export interface ContainerStopLimits {
  /** For the processes beside the shell, which hands no signal on. */
  readonly termMs: number;
  /** The engine's own wait between its signal and SIGKILL, in whole seconds. */
  readonly stopS: number;
  /** How long an engine may take beyond these before a job goes on without its answer. */
  readonly patienceMs: number;
  /** Leaves all to the engine's own stop. Default: false. */
  readonly isNative?: boolean;
}

export const defaultContainerStopLimits: ContainerStopLimits = { termMs: 10_000, stopS: 10, patienceMs: 10_000 };

/**
 * Asks every process but the first and itself to end, the youngest first, and waits up to 6 s for each.
 *
 * Uses what every shell has built in, and `sleep`.
 */
const terminateScript = `
pids=
for dir in /proc/[0-9]*; do
  pid=\${dir#/proc/}
  [ "$pid" = 1 ] || [ "$pid" = "$$" ] || pids="$pid $pids"
done
for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
left=60
for pid in $pids; do
  while [ -d "/proc/$pid" ] && [ "$left" -gt 0 ]; do
    state=; while read -r key value rest; do [ "$key" = State: ] && state=$value; done 2>/dev/null < "/proc/$pid/status"
    [ "$state" = Z ] && break
    left=$((left - 1)); sleep 0.1 2>/dev/null || sleep 1
  done
done
exit 0
`;

/** Ends what runs in a container, politely and then not. Returns when it has stopped; a container that is gone is fine. */
export async function stopContainer(container: Dockerode.Container, limits: ContainerStopLimits): Promise<void> {
  if (limits.isNative !== true) await terminateProcesses(container, limits.termMs);
  try {
    await container.stop({ t: limits.stopS });
  } catch (error) {
    // 304: it was not running.
    if (!isNotFound(error) && engineStatus(error) !== 304) throw error;
  }
}

/** Best effort: an image may have no shell, and the engine's own stop follows. */
async function terminateProcesses(container: Dockerode.Container, limitMs: number): Promise<void> {
  const ended = (async () => {
    const discard = () => undefined;
    const exec = await execInContainer(container, {
      command: ["sh", "-c", terminateScript],
      user: "0",
      onStdout: discard,
      onStderr: discard,
    });
    exec.stdin.end();
    await exec.exited;
  })();
  await within(limitMs, ended);
}

/** Removes a container, running or not, with its anonymous volumes unless they are to stay. */
export async function removeContainer(
  container: Dockerode.Container,
  options: { readonly keepsVolumes: boolean },
): Promise<void> {
  try {
    await container.remove({ force: true, v: !options.keepsVolumes });
  } catch (error) {
    if (isNotFound(error)) return;
    // 409: somebody else is removing it just now.
    if (engineStatus(error) !== 409) throw error;
    await goneWithin(container, foreignRemovalMs);
  }
}

/** How long somebody else's removal of a container is waited for. */
const foreignRemovalMs = 30_000;

async function goneWithin(container: Dockerode.Container, ms: number): Promise<void> {
  const limit = performance.now() + ms;
  while (performance.now() < limit) {
    const isThere = await container.inspect().then(
      () => true,
      (error) => !isNotFound(error),
    );
    if (!isThere) return;
    await delay(50);
  }
}

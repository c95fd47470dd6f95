import type { ContainerJob } from "../container-job.ts";
import { type Engine, engineFailure, isNotFound } from "./engine.ts";
import type { Labels } from "./labels.ts";
import type { JobNames } from "./names.ts";

/** The network of one job's containers. */
export interface JobNetwork extends AsyncDisposable {
  /** For `NetworkMode`; `undefined`: the engine's default bridge. */
  readonly mode: string | undefined;
}

/** Rule: runner-protocol.md §4.10. */
export async function openNetwork(
  engine: Engine,
  job: Pick<ContainerJob, "docker" | "hasOwnNetwork">,
  names: JobNames,
  labels: Labels,
): Promise<JobNetwork> {
  const { docker, hasOwnNetwork } = job;
  if (docker.networkMode !== undefined || !hasOwnNetwork) {
    return { mode: docker.networkMode, [Symbol.asyncDispose]: async () => {} };
  }
  try {
    await engine.createNetwork({
      Name: names.network,
      CheckDuplicate: true,
      Labels: labels.of({ type: "network" }),
      EnableIPv6: docker.enablesIpv6,
      ...(docker.networkMtu === undefined
        ? {}
        : { Options: { "com.docker.network.driver.mtu": String(docker.networkMtu) } }),
    });
  } catch (error) {
    throw engineFailure(`cannot make network ${names.network}`, error);
  }
  return { mode: names.network, [Symbol.asyncDispose]: () => removeNetwork(engine, names.network) };
}

/** Removes a network and lets go of whatever is still attached to it. */
export async function removeNetwork(engine: Engine, name: string): Promise<void> {
  const network = engine.getNetwork(name);
  try {
    const facts = (await network.inspect()) as { readonly Containers?: Readonly<Record<string, unknown>> };
    for (const container of Object.keys(facts.Containers ?? {})) {
      await network.disconnect({ Container: container, Force: true }).catch(() => undefined);
    }
    await network.remove();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

import { removeContainer } from "./containers/stop-container.ts";
import type { Engine } from "./engine.ts";
import type { PresentLabels } from "./labels.ts";
import { removeNetwork } from "./network.ts";
import { removeVolume } from "./volumes.ts";

/**
 * Removes leftovers of jobs from an engine: containers, networks and volumes.
 *
 * @param label of everything that is looked at. @param isLeftover says which of it goes.
 * @returns how many containers were removed.
 */
export async function sweepEngine(
  engine: Engine,
  label: string,
  isLeftover: (labels: PresentLabels) => boolean,
): Promise<number> {
  const filters = { label: [label] };
  const containers = await engine.listContainers({ all: true, filters });
  const orphans = containers.filter(({ Labels: labels }) => isLeftover(labels));
  await Promise.all(orphans.map(({ Id: id }) => removeContainer(engine.getContainer(id), { keepsVolumes: false })));
  const networks = await engine.listNetworks({ filters });
  for (const { Name: name, Labels: labels } of networks) {
    if (isLeftover(labels)) await removeNetwork(engine, name);
  }
  const { Volumes: volumes } = await engine.listVolumes({ filters });
  for (const { Name: name, Labels: labels } of volumes ?? []) {
    if (isLeftover(labels)) await removeVolume(engine, name);
  }
  return orphans.length;
}

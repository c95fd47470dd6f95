import { removeContainer } from "./containers/stop-container.ts";
import type { Engine } from "./engine.ts";
import type { Ownership } from "./labels.ts";
import { removeNetwork } from "./network.ts";
import { removeVolume } from "./volumes.ts";

/**
 * Removes what an earlier process of this runner left on an engine when it was killed: containers, networks, and volumes
 * that were to go with their job. What belongs to others, or to a process that lives, stays.
 *
 * @returns how many containers were removed.
 */
export async function sweepEngine(engine: Engine, ownership: Ownership): Promise<number> {
  const filters = { label: [ownership.filter] };
  const containers = await engine.listContainers({ all: true, filters });
  const orphans = containers.filter(({ Labels: labels }) => ownership.isOrphaned(labels));
  await Promise.all(orphans.map(({ Id: id }) => removeContainer(engine.getContainer(id), { keepsVolumes: false })));
  const networks = await engine.listNetworks({ filters });
  for (const { Name: name, Labels: labels } of networks) {
    if (ownership.isOrphaned(labels)) await removeNetwork(engine, name);
  }
  const { Volumes: volumes } = await engine.listVolumes({ filters });
  for (const { Name: name, Labels: labels } of volumes ?? []) {
    if (ownership.isOrphaned(labels)) await removeVolume(engine, name);
  }
  return orphans.length;
}

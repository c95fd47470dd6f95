import { readFileSync } from "node:fs";
import type Dockerode from "dockerode";
import type { ContainerUsage } from "../../executor.ts";
import { createLineReader } from "../../line-reader.ts";
import { isForeign } from "./container-options.ts";

export type Usage = Omit<ContainerUsage, "isOutOfMemory">;

/** Follows what a running container uses, without slowing it. */
export interface UsageMeter {
  /** What it has used so far. */
  look(): Usage;
  /** Takes a last look, which must be had before the engine has cleared the container away. */
  stop(): Usage;
}

const nothing: Usage = {
  cpuTimeS: undefined,
  memoryPeakBytes: undefined,
  networkReceiveBytes: undefined,
  networkTransmitBytes: undefined,
};

/** The kernel's counters are totals, so that looking seldom loses little: only what a container does after the last look. */
const lookMs = 1_000;

/**
 * Follows a container from its start: by the kernel's own counters where the engine is on this machine, by the engine's
 * statistics, one a second, where it is not. What cannot be read is left out.
 */
export function measureContainer(container: Dockerode.Container): UsageMeter {
  let isStopped = false;
  let stopFollowing: (() => void) | undefined;
  let latest: Usage = nothing;
  let look: () => Usage = () => latest;

  async function follow(): Promise<void> {
    const { State: state, HostConfig: settings } = await container.inspect();
    if (isStopped || !state.Running) return;
    // What others send through a network that is not the container's own is not its doing.
    const ownPart = isForeign(settings.NetworkMode) ? withoutNetwork : (usage: Usage) => usage;
    const counters = findCounters(state.Pid, container.id);
    if (counters !== undefined) {
      look = () => {
        latest = merge(latest, ownPart(counters()));
        return latest;
      };
      look();
      const timer = setInterval(look, lookMs);
      timer.unref();
      stopFollowing = () => clearInterval(timer);
    } else {
      stopFollowing = await followStatistics(container, (usage) => {
        latest = merge(latest, ownPart(usage));
      });
      if (isStopped) stopFollowing();
    }
  }

  // Telemetry never fails a job: without figures the span has none.
  follow().catch(() => undefined);
  return {
    look: () => look(),
    stop() {
      isStopped = true;
      stopFollowing?.();
      return look();
    },
  };
}

/**
 * What a container used between two looks at it. Its peak of memory is that of the time between only when it grew then;
 * else it is not known.
 */
export function usageBetween(before: Usage, after: Usage): Usage {
  const difference = (earlier: number | undefined, later: number | undefined) =>
    earlier === undefined || later === undefined ? undefined : later - earlier;
  const hasGrown = (after.memoryPeakBytes ?? 0) > (before.memoryPeakBytes ?? 0);
  return {
    cpuTimeS: difference(before.cpuTimeS, after.cpuTimeS),
    memoryPeakBytes: hasGrown ? after.memoryPeakBytes : undefined,
    networkReceiveBytes: difference(before.networkReceiveBytes, after.networkReceiveBytes),
    networkTransmitBytes: difference(before.networkTransmitBytes, after.networkTransmitBytes),
  };
}

function withoutNetwork(usage: Usage): Usage {
  return { ...usage, networkReceiveBytes: undefined, networkTransmitBytes: undefined };
}

/** @returns a reader of the kernel's counters; `undefined` when that process is not of this machine. */
function findCounters(pid: number, containerId: string): (() => Usage) | undefined {
  const groups = readText(`/proc/${pid}/cgroup`);
  if (groups?.includes(containerId) !== true) return undefined;
  const pathOf = (controller: string) => {
    for (const line of groups.split("\n")) {
      const [, names = "", ...rest] = line.split(":");
      if (names.split(",").includes(controller)) return rest.join(":");
    }
    return undefined;
  };
  const memory = pathOf("memory");
  const cpu = pathOf("cpuacct");
  const unified = pathOf("");
  return () => ({
    cpuTimeS:
      cpu === undefined
        ? scaled(field(readText(`/sys/fs/cgroup${unified}/cpu.stat`), "usage_usec"), 1e6)
        : scaled(readNumber(`/sys/fs/cgroup/cpuacct${cpu}/cpuacct.usage`), 1e9),
    memoryPeakBytes:
      memory === undefined
        ? readNumber(`/sys/fs/cgroup${unified}/memory.peak`)
        : readNumber(`/sys/fs/cgroup/memory${memory}/memory.max_usage_in_bytes`),
    ...networkOf(readText(`/proc/${pid}/net/dev`)),
  });
}

/** Sums all interfaces but the loopback. Rule: proc(5), `/proc/net/dev`: bytes in are the first column, out the ninth. */
function networkOf(text: string | undefined): Pick<Usage, "networkReceiveBytes" | "networkTransmitBytes"> {
  if (text === undefined) return { networkReceiveBytes: undefined, networkTransmitBytes: undefined };
  let networkReceiveBytes = 0;
  let networkTransmitBytes = 0;
  for (const line of text.split("\n").slice(2)) {
    const [name = "", counters = ""] = line.split(":");
    if (name.trim() === "lo" || counters === "") continue;
    const columns = counters.trim().split(/\s+/).map(Number);
    networkReceiveBytes += columns[0] ?? 0;
    networkTransmitBytes += columns[8] ?? 0;
  }
  return { networkReceiveBytes, networkTransmitBytes };
}

/** One answer of the engine's statistics, as far as it is used here. */
interface Statistics {
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: { readonly max_usage?: number; readonly usage?: number };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>;
}

async function followStatistics(container: Dockerode.Container, onUsage: (usage: Usage) => void) {
  const stream = (await container.stats({ stream: true })) as NodeJS.ReadableStream & { destroy(): void };
  stream.on(
    "data",
    createLineReader((line) => onUsage(usageOf(parseStatistics(line)))),
  );
  stream.on("error", () => undefined);
  return () => stream.destroy();
}

function usageOf({ cpu_stats: cpu, memory_stats: memory, networks }: Statistics): Usage {
  const total = cpu?.cpu_usage?.total_usage;
  const interfaces = networks === undefined ? undefined : Object.values(networks);
  return {
    cpuTimeS: scaled(total === 0 ? undefined : total, 1e9),
    memoryPeakBytes: memory?.max_usage ?? memory?.usage,
    networkReceiveBytes: interfaces?.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    networkTransmitBytes: interfaces?.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
  };
}

function parseStatistics(line: string): Statistics {
  try {
    return JSON.parse(line) as Statistics;
  } catch {
    return {};
  }
}

/** Totals only grow; a peak that was seen stays. */
function merge(before: Usage, now: Usage): Usage {
  const larger = (one: number | undefined, other: number | undefined) =>
    one === undefined ? other : other === undefined ? one : Math.max(one, other);
  return {
    cpuTimeS: larger(before.cpuTimeS, now.cpuTimeS),
    memoryPeakBytes: larger(before.memoryPeakBytes, now.memoryPeakBytes),
    networkReceiveBytes: larger(before.networkReceiveBytes, now.networkReceiveBytes),
    networkTransmitBytes: larger(before.networkTransmitBytes, now.networkTransmitBytes),
  };
}

function field(text: string | undefined, name: string): number | undefined {
  const match = text?.match(new RegExp(`^${name} (\\d+)$`, "m"));
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

function readNumber(file: string): number | undefined {
  const text = readText(file)?.trim();
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/** Synchronous: a look must not wait for its turn, and these are files of the kernel's. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function scaled(value: number | undefined, divisor: number): number | undefined {
  return value === undefined ? undefined : value / divisor;
}

import { readFile } from "node:fs/promises";
import type Dockerode from "dockerode";
import type { ContainerPrivileges, DockerConfig } from "../../../config/docker-config.ts";
import { misconfigured } from "../engine.ts";
import { matchesAny } from "../images/check-image.ts";

/** What all containers of one job share. */
export interface SharedSettings {
  readonly config: DockerConfig;
  readonly hostname: string;
  readonly binds: readonly string[];
  /** The network of the job, or `network_mode`; `undefined`: the engine's default bridge. */
  readonly networkMode: string | undefined;
}

type HostConfig = NonNullable<Dockerode.ContainerCreateOptions["HostConfig"]>;

/**
 * Host settings of the containers that run the job's scripts.
 *
 * @param image reference as written: decides whether it may be privileged.
 * @param extraHosts `name:address` of the services.
 */
export async function buildHostConfig(
  shared: SharedSettings,
  image: string,
  extraHosts: readonly string[],
  options: { readonly usesInitProcess: boolean; readonly sharesPids: boolean },
): Promise<HostConfig> {
  const { config } = shared;
  const isPrivileged = isPrivilegedFor(image, config.build);
  return {
    ...commonHostConfig(shared),
    ...limitsOf(config.build),
    ...privilegesOf(config.build, isPrivileged, await securityOptions(config.build.securityOptions)),
    ExtraHosts: [...config.extraHosts, ...extraHosts],
    CapAdd: [...config.capAdd],
    CapDrop: [...config.capDrop],
    GroupAdd: [...config.groupAdd],
    Devices: config.devices.map(parseDevice),
    DeviceCgroupRules: [...config.deviceCgroupRules],
    Sysctls: { ...config.sysctls },
    Ulimits: ulimitsOf(config),
    OomKillDisable: config.disablesOomKiller,
    ...(config.oomScoreAdjust === undefined ? {} : { OomScoreAdj: config.oomScoreAdjust }),
    VolumesFrom: [...config.volumesFrom],
    Links: isForeign(shared.networkMode) ? [] : [...config.links],
    ...(config.ipcMode === undefined ? {} : { IpcMode: config.ipcMode }),
    ...(options.sharesPids && config.pidMode !== undefined ? { PidMode: config.pidMode } : {}),
    ...(options.usesInitProcess ? { Init: true } : {}),
  };
}

export async function serviceHostConfig(
  shared: SharedSettings,
  image: string,
  options: { readonly usesInitProcess: boolean },
): Promise<HostConfig> {
  const { config } = shared;
  const isPrivileged = isPrivilegedFor(image, config.service);
  const devices = Object.entries(config.serviceDevices)
    .filter(([pattern]) => matchesAny(image, [pattern]))
    .flatMap(([, list]) => list);
  return {
    ...commonHostConfig(shared),
    ...limitsOf(config.service),
    ...privilegesOf(config.service, isPrivileged, await securityOptions(config.service.securityOptions)),
    ExtraHosts: [...config.extraHosts],
    Devices: devices.map(parseDevice),
    ...(options.usesInitProcess ? { Init: true } : {}),
  };
}

/** Names of a container in the network of its job. The engine has such names only in networks that users made. */
export function networkingOf(
  networkMode: string | undefined,
  aliases: readonly string[],
): Pick<Dockerode.ContainerCreateOptions, "NetworkingConfig"> {
  if (networkMode === undefined || networkMode === "default" || networkMode === "bridge") return {};
  if (isForeign(networkMode)) return {};
  return { NetworkingConfig: { EndpointsConfig: { [networkMode]: { Aliases: [...aliases] } } } };
}

/** No network of the container's own. */
export function isForeign(networkMode: string | undefined): boolean {
  return networkMode === "host" || networkMode === "none" || networkMode?.startsWith("container:") === true;
}

/** Rule: runner-protocol.md §4.10, last paragraph. */
function commonHostConfig({ config, binds, networkMode }: SharedSettings): HostConfig {
  return {
    Binds: [...binds],
    RestartPolicy: { Name: "no" },
    LogConfig: { Type: "json-file", Config: { ...config.logOptions } },
    Dns: [...config.dns],
    DnsSearch: [...config.dnsSearch],
    ...(networkMode === undefined ? {} : { NetworkMode: networkMode }),
    ...(config.runtime === undefined ? {} : { Runtime: config.runtime }),
    ...(config.usernsMode === undefined ? {} : { UsernsMode: config.usernsMode }),
    ...(config.isolation === undefined ? {} : { Isolation: config.isolation }),
    ...(config.shmBytes === undefined ? {} : { ShmSize: config.shmBytes }),
  };
}

function limitsOf(limits: DockerConfig["build"]): HostConfig {
  return {
    ...(limits.memoryBytes === undefined ? {} : { Memory: limits.memoryBytes }),
    ...(limits.memorySwapBytes === undefined ? {} : { MemorySwap: limits.memorySwapBytes }),
    ...(limits.memoryReservationBytes === undefined ? {} : { MemoryReservation: limits.memoryReservationBytes }),
    ...(limits.cgroupParent === undefined ? {} : { CgroupParent: limits.cgroupParent }),
    ...(limits.cpusetCpus === undefined ? {} : { CpusetCpus: limits.cpusetCpus }),
    ...(limits.cpusetMems === undefined ? {} : { CpusetMems: limits.cpusetMems }),
    ...(limits.nanoCpus === undefined ? {} : { NanoCpus: limits.nanoCpus }),
    ...(limits.cpuShares === undefined ? {} : { CpuShares: limits.cpuShares }),
  };
}

function privilegesOf(
  privileges: ContainerPrivileges,
  isPrivileged: boolean,
  securityOpt: readonly string[],
): HostConfig {
  return {
    Privileged: isPrivileged,
    SecurityOpt: [...securityOpt],
    Tmpfs: { ...privileges.tmpfs },
    ...(privileges.gpus === undefined ? {} : { DeviceRequests: [gpuRequest(privileges.gpus)] }),
  };
}

/** Rule: runner-protocol.md §4.3, row `privileged`. */
function isPrivilegedFor(image: string, { isPrivileged, privilegedImages }: ContainerPrivileges): boolean {
  return isPrivileged && (privilegedImages.length === 0 || matchesAny(image, privilegedImages));
}

/** `seccomp=<path>` is read here: the engine wants the profile itself. */
async function securityOptions(options: readonly string[]): Promise<string[]> {
  return Promise.all(
    options.map(async (option) => {
      const file = /^seccomp[=:](.+)$/.exec(option)?.[1];
      if (file === undefined || file === "unconfined") return option;
      const profile = await readFile(file, "utf8").catch((error: Error) => {
        throw misconfigured(`security_opt "${option}": ${error.message}`);
      });
      return `seccomp=${JSON.stringify(JSON.parse(profile))}`;
    }),
  );
}

/** `host[:container[:permissions]]` */
function parseDevice(text: string) {
  const [onHost = "", inContainer = onHost, permissions = "rwm"] = text.split(":");
  if (!onHost.startsWith("/")) throw misconfigured(`devices: "${text}": expected "/dev/…[:/dev/…[:rwm]]"`);
  return { PathOnHost: onHost, PathInContainer: inContainer, CgroupPermissions: permissions };
}

/** As `docker run --gpus` takes it: `all`, a number, or `device=0,1`. */
function gpuRequest(text: string) {
  const devices = /^"?device=([^"]+)"?$/.exec(text)?.[1];
  const count = text === "all" ? -1 : Number(text);
  if (devices === undefined && !Number.isInteger(count)) {
    throw misconfigured(`gpus "${text}": expected "all", a number or "device=…"`);
  }
  return {
    Driver: "",
    Count: devices === undefined ? count : 0,
    ...(devices === undefined ? {} : { DeviceIDs: devices.split(",") }),
    Capabilities: [["gpu"]],
    Options: {},
  };
}

/** `nofile = "1024:2048"` */
function ulimitsOf({ ulimits }: DockerConfig) {
  return Object.entries(ulimits).map(([name, text]) => {
    const [soft = NaN, hard = soft] = text.split(":").map(Number);
    if (!Number.isInteger(soft) || !Number.isInteger(hard)) {
      throw misconfigured(`ulimit.${name} "${text}": expected "soft[:hard]"`);
    }
    return { Name: name, Soft: soft, Hard: hard };
  });
}

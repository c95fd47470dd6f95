import type { ConfiguredService, ContainerLimits, ContainerPrivileges, DockerConfig } from "./docker-config.ts";
import type { DockerTable } from "./schema/docker-table.ts";
import { splitAliases } from "./split-aliases.ts";

/** Rule: runner-protocol.md §4.10. */
const defaultServiceTimeoutMs = 30_000;

/** Fills in what a `[runners.docker]` table leaves out. */
export function toDockerConfig(table: DockerTable): DockerConfig {
  const pullPolicies = table.pull_policy.length === 0 ? (["always"] as const) : table.pull_policy;
  return {
    host: text(table.host),
    tlsCertPath: text(table.tls_cert_path),
    verifiesTls: table.tls_verify,
    image: text(table.image),
    allowedImages: table.allowed_images,
    pullPolicies,
    allowedPullPolicies: table.allowed_pull_policies.length === 0 ? pullPolicies : table.allowed_pull_policies,
    helperImage: text(table.helper_image),
    allowsEntrypoint: !table.disable_entrypoint_overwrite,
    hostname: text(table.hostname),
    user: text(table.user),
    runtime: text(table.runtime),
    usernsMode: text(table.userns_mode),
    allowedUsers: table.allowed_users,
    groupAdd: table.group_add,
    capAdd: table.cap_add,
    capDrop: table.cap_drop,
    devices: table.devices,
    deviceCgroupRules: table.device_cgroup_rules,
    serviceDevices: table.services_devices,
    build: { ...buildPrivileges(table), ...buildLimits(table) },
    service: { ...servicePrivileges(table), ...serviceLimits(table) },
    shmBytes: table.shm_size,
    disablesOomKiller: table.oom_kill_disable,
    oomScoreAdjust: table.oom_score_adjust,
    ulimits: table.ulimit,
    sysctls: table.sysctls,
    volumes: table.volumes,
    volumesFrom: table.volumes_from,
    volumeDriver: text(table.volume_driver),
    volumeDriverOptions: table.volume_driver_ops,
    keepsVolumes: table.volume_keep,
    disablesCache: table.disable_cache,
    cacheDirectory: text(table.cache_dir),
    networkMode: text(table.network_mode),
    helperNetworkMode: text(table.helper_network_mode),
    pidMode: text(table.pid_mode),
    ipcMode: text(table.ipcmode),
    macAddress: text(table.mac_address),
    isolation: text(table.isolation),
    dns: table.dns,
    dnsSearch: table.dns_search,
    extraHosts: table.extra_hosts,
    links: table.links,
    enablesIpv6: table.enable_ipv6,
    networkMtu: table.network_mtu,
    services: table.services.map(toService),
    allowedServices: table.allowed_services,
    servicesLimit: table.services_limit === undefined || table.services_limit < 0 ? undefined : table.services_limit,
    serviceTimeoutMs: serviceTimeoutMs(table.wait_for_services_timeout),
    containerLabels: table.container_labels,
    logOptions: table.log_options,
  };
}

function toService(service: DockerTable["services"][number]): ConfiguredService {
  return { ...service, aliases: splitAliases(service.alias) };
}

function buildPrivileges(table: DockerTable): ContainerPrivileges {
  return {
    isPrivileged: table.privileged,
    privilegedImages: table.allowed_privileged_images,
    securityOptions: table.security_opt,
    gpus: text(table.gpus),
    tmpfs: table.tmpfs,
  };
}

function servicePrivileges(table: DockerTable): ContainerPrivileges {
  return {
    isPrivileged: table.services_privileged ?? table.privileged,
    privilegedImages: table.allowed_privileged_services,
    securityOptions: table.services_security_opt,
    gpus: text(table.service_gpus),
    tmpfs: table.services_tmpfs,
  };
}

function buildLimits(table: DockerTable): ContainerLimits {
  return {
    memoryBytes: table.memory,
    memorySwapBytes: table.memory_swap,
    memoryReservationBytes: table.memory_reservation,
    cgroupParent: text(table.cgroup_parent),
    cpusetCpus: text(table.cpuset_cpus),
    cpusetMems: text(table.cpuset_mems),
    nanoCpus: table.cpus,
    cpuShares: table.cpu_shares,
  };
}

function serviceLimits(table: DockerTable): ContainerLimits {
  return {
    memoryBytes: table.service_memory,
    memorySwapBytes: table.service_memory_swap,
    memoryReservationBytes: table.service_memory_reservation,
    cgroupParent: text(table.service_cgroup_parent),
    cpusetCpus: text(table.service_cpuset_cpus),
    cpusetMems: undefined,
    nanoCpus: table.service_cpus,
    cpuShares: table.service_cpu_shares,
  };
}

function serviceTimeoutMs(seconds: number): number {
  if (seconds < 0) return 0;
  return seconds === 0 ? defaultServiceTimeoutMs : seconds * 1000;
}

function text(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === "" ? undefined : value;
}

/** When an image is fetched from its registry. Rule: runner-protocol.md §4.5. */
export type PullPolicy = "always" | "if-not-present" | "never";

/** Limits of one kind of container; `undefined`: the engine's default. */
export interface ContainerLimits {
  readonly memoryBytes: number | undefined;
  /** -1: no limit. */
  readonly memorySwapBytes: number | undefined;
  readonly memoryReservationBytes: number | undefined;
  readonly cgroupParent: string | undefined;
  /** `"0-2"`, `"0,1"` */
  readonly cpusetCpus: string | undefined;
  readonly cpusetMems: string | undefined;
  /** Billionths of a CPU. */
  readonly nanoCpus: number | undefined;
  readonly cpuShares: number | undefined;
}

/** What one kind of container may do beyond the usual. */
export interface ContainerPrivileges {
  readonly isPrivileged: boolean;
  /** Globs of images for which `isPrivileged` holds; empty: all. */
  readonly privilegedImages: readonly string[];
  readonly securityOptions: readonly string[];
  /** `all`, a number, or `device=…`. */
  readonly gpus: string | undefined;
  /** Path in the container to mount options. */
  readonly tmpfs: Readonly<Record<string, string>>;
}

/** A service of every job of a runner: `[[runners.docker.services]]`. */
export interface ConfiguredService {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  /** `NAME=value` */
  readonly environment: readonly string[];
}

/** `[runners.docker]`, defaults filled in, frozen. Rule: runner-protocol.md §6.4, §4. */
export interface DockerConfig {
  /** `host`: `unix:///run/docker.sock`, `tcp://…`. `undefined`: `DOCKER_HOST`, else the default socket. */
  readonly host: string | undefined;
  /** `tls_cert_path`: directory with `ca.pem`, `cert.pem` and `key.pem`. */
  readonly tlsCertPath: string | undefined;
  readonly verifiesTls: boolean;

  /** `image`: for jobs that name none. May hold variables. */
  readonly image: string | undefined;
  /** Globs on the full reference; empty: every image. */
  readonly allowedImages: readonly string[];
  readonly pullPolicies: readonly PullPolicy[];
  /** Which policies a job may ask for. Default: those of `pull_policy`. */
  readonly allowedPullPolicies: readonly PullPolicy[];
  /** `helper_image`: instead of the one that `npm run helper-image` makes. */
  readonly helperImage: string | undefined;
  /** Opposite of `disable_entrypoint_overwrite`. */
  readonly allowsEntrypoint: boolean;

  readonly hostname: string | undefined;
  readonly user: string | undefined;
  readonly runtime: string | undefined;
  readonly usernsMode: string | undefined;
  /** Users that a job may ask for; empty: every one. */
  readonly allowedUsers: readonly string[];
  readonly groupAdd: readonly string[];
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  /** `host[:container[:permissions]]` */
  readonly devices: readonly string[];
  readonly deviceCgroupRules: readonly string[];
  /** Glob of service images to devices. */
  readonly serviceDevices: Readonly<Record<string, readonly string[]>>;
  readonly build: ContainerPrivileges & ContainerLimits;
  readonly service: ContainerPrivileges & ContainerLimits;
  readonly shmBytes: number | undefined;
  readonly disablesOomKiller: boolean;
  readonly oomScoreAdjust: number | undefined;
  /** Name to `soft[:hard]`. */
  readonly ulimits: Readonly<Record<string, string>>;
  readonly sysctls: Readonly<Record<string, string>>;

  /** `/host:/dest[:mode]`, `name:/dest[:mode]` or `/dest` (runner-protocol.md §4.9). */
  readonly volumes: readonly string[];
  readonly volumesFrom: readonly string[];
  readonly volumeDriver: string | undefined;
  readonly volumeDriverOptions: Readonly<Record<string, string>>;
  /** `volume_keep`: anonymous volumes of the job's containers stay. */
  readonly keepsVolumes: boolean;
  /** `disable_cache`: no volume outlives its job. */
  readonly disablesCache: boolean;
  /** `cache_dir`: directory of the engine's host for what else would be managed volumes. */
  readonly cacheDirectory: string | undefined;

  readonly networkMode: string | undefined;
  /**
   * `helper_network_mode`: the network of the helper container alone, where git and the transfers of caches and artifacts
   * run. A key of ours. `undefined`: the job's.
   */
  readonly helperNetworkMode: string | undefined;
  readonly pidMode: string | undefined;
  readonly ipcMode: string | undefined;
  readonly macAddress: string | undefined;
  readonly isolation: string | undefined;
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  /** `host:ip` */
  readonly extraHosts: readonly string[];
  /** `container:alias` */
  readonly links: readonly string[];
  readonly enablesIpv6: boolean;
  readonly networkMtu: number | undefined;

  readonly services: readonly ConfiguredService[];
  readonly allowedServices: readonly string[];
  /** How many services a job may have; `undefined`: any number. */
  readonly servicesLimit: number | undefined;
  /** 0: services are not waited for. Default: 30,000. */
  readonly serviceTimeoutMs: number;

  readonly containerLabels: Readonly<Record<string, string>>;
  /** `env` and `labels` of the engine's `json-file` log driver. */
  readonly logOptions: Readonly<Record<string, string>>;
}

import { z } from "zod";

const texts = z.array(z.string()).default([]);
const textTable = z.record(z.string(), z.string()).prefault({});

const pullPolicy = z.enum(["always", "if-not-present", "never"], {
  error: 'expected "always", "if-not-present" or "never"',
});
const pullPolicies = z.union([pullPolicy.transform((one) => [one]), z.array(pullPolicy)]);

/** Bytes as Docker's command line writes them: `"512m"`, `"2g"`, `"1.5gb"`; `-1` where a limit may be lifted. */
const memory = z
  .string()
  .transform((text, context) => {
    const bytes = parseMemory(text);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: "custom", message: 'expected a size such as "512m" or "2g"', input: text });
    return z.NEVER;
  })
  .optional();

/** CPUs, in billionths: `"1.5"`. */
const cpus = z
  .string()
  .transform((text, context) => {
    const count = Number(text);
    if (text.trim() === "") return undefined;
    if (Number.isFinite(count) && count >= 0) return Math.round(count * 1e9);
    context.addIssue({ code: "custom", message: 'expected a number of CPUs such as "1.5"', input: text });
    return z.NEVER;
  })
  .optional();

const service = z.object({
  name: z.string().min(1),
  alias: z.string().default(""),
  command: texts,
  entrypoint: texts,
  environment: texts,
});

/** `[runners.docker]` in GitLab's spelling. Rule and defaults: runner-protocol.md §6.4. */
export const dockerTable = z.object({
  host: z.string().optional(),
  tls_cert_path: z.string().optional(),
  tls_verify: z.boolean().default(false),

  image: z.string().optional(),
  allowed_images: texts,
  pull_policy: pullPolicies.default([]),
  allowed_pull_policies: z.array(pullPolicy).default([]),
  helper_image: z.string().optional(),
  /** Accepted so that a file of GitLab's runner is taken as it is: our helper image has one flavour. */
  helper_image_flavor: z.string().optional(),
  disable_entrypoint_overwrite: z.boolean().default(false),

  hostname: z.string().optional(),
  user: z.string().optional(),
  runtime: z.string().optional(),
  userns_mode: z.string().optional(),
  cgroup_parent: z.string().optional(),
  allowed_users: texts,
  group_add: texts,

  privileged: z.boolean().default(false),
  services_privileged: z.boolean().optional(),
  allowed_privileged_images: texts,
  allowed_privileged_services: texts,
  cap_add: texts,
  cap_drop: texts,
  security_opt: texts,
  services_security_opt: texts,
  devices: texts,
  device_cgroup_rules: texts,
  services_devices: z.record(z.string(), z.array(z.string())).default({}),
  gpus: z.string().optional(),
  service_gpus: z.string().optional(),

  memory,
  memory_swap: memory,
  memory_reservation: memory,
  cpuset_cpus: z.string().optional(),
  cpuset_mems: z.string().optional(),
  cpus,
  cpu_shares: z.number().int().optional(),
  shm_size: z.number().int().min(0).optional(),
  oom_kill_disable: z.boolean().default(false),
  oom_score_adjust: z.number().int().min(-1000).max(1000).optional(),
  ulimit: textTable,
  sysctls: textTable,
  tmpfs: textTable,
  services_tmpfs: textTable,
  service_memory: memory,
  service_memory_swap: memory,
  service_memory_reservation: memory,
  service_cgroup_parent: z.string().optional(),
  service_cpuset_cpus: z.string().optional(),
  service_cpus: cpus,
  service_cpu_shares: z.number().int().optional(),

  volumes: texts,
  volumes_from: texts,
  volume_driver: z.string().optional(),
  volume_driver_ops: textTable,
  volume_keep: z.boolean().default(false),
  disable_cache: z.boolean().default(false),
  cache_dir: z.string().optional(),

  network_mode: z.string().optional(),
  /** Ours: `host` lets our own stages reach a coordinator on the loopback of the engine's machine. */
  helper_network_mode: z.string().optional(),
  pid_mode: z.string().optional(),
  ipcmode: z.string().optional(),
  mac_address: z.string().optional(),
  isolation: z.string().optional(),
  dns: texts,
  dns_search: texts,
  extra_hosts: texts,
  links: texts,
  enable_ipv6: z.boolean().default(false),
  network_mtu: z.number().int().min(0).optional(),

  services: z.array(service).default([]),
  allowed_services: texts,
  services_limit: z.number().int().optional(),
  wait_for_services_timeout: z.number().int().default(0),

  container_labels: textTable,
  log_options: textTable.refine((table) => Object.keys(table).every((key) => key === "env" || key === "labels"), {
    error: 'expected only the keys "env" and "labels"',
  }),
});

export type DockerTable = z.output<typeof dockerTable>;

const memoryUnits: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** @returns bytes; `undefined` for a text that is no size. */
function parseMemory(text: string): number | undefined {
  if (text.trim() === "-1") return -1;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?\s*$/i.exec(text);
  const unit = memoryUnits[(match?.[2] ?? "").toLowerCase()];
  return match === null || unit === undefined ? undefined : Math.floor(Number(match[1]) * unit);
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { aRunner } from "../../../../test/support/a-runner.ts";
import { buildHostConfig, serviceHostConfig } from "./container-options.ts";

async function hostConfigOf(
  table: Readonly<Record<string, unknown>>,
  image = "ruby:3",
  kind: "build" | "service" = "build",
) {
  const { docker: config } = aRunner("http://127.0.0.1:1", { executor: "docker", docker: table });
  assert.ok(config !== undefined);
  const shared = { config, hostname: "h", binds: ["v:/builds"], networkMode: config.networkMode };
  return kind === "build"
    ? await buildHostConfig(shared, image, ["db:172.17.0.2"], { usesInitProcess: false, sharesPids: true })
    : await serviceHostConfig(shared, image, { usesInitProcess: false });
}

/** Keys of `[runners.docker]` and what the engine is told of a build container. Source: runner-protocol.md §4.3, §6.4. */
const cases: readonly { table: Record<string, unknown>; expected: Record<string, unknown> }[] = [
  { table: {}, expected: { Privileged: false, Binds: ["v:/builds"], RestartPolicy: { Name: "no" } } },
  { table: { privileged: true }, expected: { Privileged: true } },
  { table: { privileged: true, allowed_privileged_images: ["docker:*"] }, expected: { Privileged: false } },
  {
    table: { memory: "512m", memory_swap: "-1", memory_reservation: "1g" },
    expected: { Memory: 2 ** 29, MemorySwap: -1, MemoryReservation: 2 ** 30 },
  },
  {
    table: { cpus: "1.5", cpu_shares: 512, cpuset_cpus: "0,1" },
    expected: { NanoCpus: 1.5e9, CpuShares: 512, CpusetCpus: "0,1" },
  },
  { table: { cap_add: ["NET_ADMIN"], cap_drop: ["ALL"] }, expected: { CapAdd: ["NET_ADMIN"], CapDrop: ["ALL"] } },
  {
    table: { devices: ["/dev/kvm", "/dev/a:/dev/b:r"] },
    expected: {
      Devices: [
        { PathOnHost: "/dev/kvm", PathInContainer: "/dev/kvm", CgroupPermissions: "rwm" },
        { PathOnHost: "/dev/a", PathInContainer: "/dev/b", CgroupPermissions: "r" },
      ],
    },
  },
  {
    table: { gpus: "all" },
    expected: { DeviceRequests: [{ Driver: "", Count: -1, Capabilities: [["gpu"]], Options: {} }] },
  },
  {
    table: { gpus: "device=0,1" },
    expected: {
      DeviceRequests: [{ Driver: "", Count: 0, DeviceIDs: ["0", "1"], Capabilities: [["gpu"]], Options: {} }],
    },
  },
  {
    table: { dns: ["10.0.0.1"], dns_search: ["lan"], extra_hosts: ["a:1.2.3.4"] },
    expected: { Dns: ["10.0.0.1"], DnsSearch: ["lan"], ExtraHosts: ["a:1.2.3.4", "db:172.17.0.2"] },
  },
  {
    table: { ulimit: { nofile: "1024:2048", core: "0" } },
    expected: {
      Ulimits: [
        { Name: "nofile", Soft: 1024, Hard: 2048 },
        { Name: "core", Soft: 0, Hard: 0 },
      ],
    },
  },
  {
    table: { sysctls: { "net.core.somaxconn": "1024" }, tmpfs: { "/run": "rw" } },
    expected: { Sysctls: { "net.core.somaxconn": "1024" }, Tmpfs: { "/run": "rw" } },
  },
  {
    table: { shm_size: 1000, runtime: "runsc", userns_mode: "host" },
    expected: { ShmSize: 1000, Runtime: "runsc", UsernsMode: "host" },
  },
  { table: { security_opt: ["seccomp=unconfined"] }, expected: { SecurityOpt: ["seccomp=unconfined"] } },
  { table: { network_mode: "host", links: ["db:db"] }, expected: { NetworkMode: "host", Links: [] } },
  { table: { pid_mode: "host", ipcmode: "host" }, expected: { PidMode: "host", IpcMode: "host" } },
];

for (const { table, expected } of cases) {
  test(`[runners.docker] ${JSON.stringify(table)} is what the engine is told`, async () => {
    const options: Readonly<Record<string, unknown>> = { ...(await hostConfigOf(table)) };
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(options[key], value, key);
  });
}

test("services have limits and privileges of their own", async () => {
  const table = {
    privileged: true,
    services_privileged: false,
    memory: "1g",
    service_memory: "64m",
    services_devices: { "redis:*": ["/dev/x"] },
  };
  const options = await hostConfigOf(table, "redis:7", "service");
  assert.equal(options.Privileged, false);
  assert.equal(options.Memory, 2 ** 26);
  assert.equal(options.Devices?.length, 1);
  assert.equal((await hostConfigOf(table, "postgres:16", "service")).Devices?.length, 0);
});

for (const { table, message } of [
  { table: { devices: ["kvm"] }, message: /devices: "kvm": expected/ },
  { table: { gpus: "some" }, message: /gpus "some": expected "all", a number or "device=…"/ },
  { table: { ulimit: { nofile: "many" } }, message: /ulimit\.nofile "many": expected "soft\[:hard\]"/ },
  { table: { security_opt: ["seccomp=/nonexistent"] }, message: /security_opt "seccomp=\/nonexistent": ENOENT/ },
]) {
  test(`[runners.docker] ${JSON.stringify(table)} is refused`, async () => {
    await assert.rejects(hostConfigOf(table), message);
  });
}

for (const { table, message } of [
  {
    table: { memory: "much" },
    message: /runners\[0\]\.docker\.memory: expected a size such as "512m" or "2g", found "much"/,
  },
  { table: { cpus: "two" }, message: /docker\.cpus: expected a number of CPUs such as "1\.5", found "two"/ },
  { table: { pull_policy: "sometimes" }, message: /docker\.pull_policy/ },
  { table: { log_options: { tag: "x" } }, message: /docker\.log_options: expected only the keys "env" and "labels"/ },
]) {
  test(`the configuration ${JSON.stringify(table)} names its key`, () => {
    assert.throws(() => aRunner("http://127.0.0.1:1", { executor: "docker", docker: table }), message);
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf } from "./names.ts";
import { planVolumes } from "./volumes.ts";

const names = namesOf({
  jobId: 9,
  projectId: 7,
  concurrentProjectId: 0,
  shortToken: "abc123def",
  runnerToken: "glrt-abc123def456",
  systemId: "s_0123456789ab",
});
const reusable = (destination: string) => `${names.reusableVolume(destination, false)}:${destination}`;
const temporary = (destination: string) => `${names.temporaryVolume(destination)}:${destination}`;

/** Source: runner-protocol.md §4.9. */
const cases = [
  { name: "a fetch uses its builds again", job: { reusesBuilds: true }, binds: [reusable("/builds")], isFresh: false },
  { name: "a clone does not", job: {}, binds: [temporary("/builds")], isFresh: true },
  {
    name: "a path alone is a volume that is used again",
    docker: { volumes: ["/cache"] },
    binds: [reusable("/cache"), temporary("/builds")],
    isFresh: true,
  },
  {
    name: "a host's directory and a named volume are mounted as they are",
    docker: { volumes: ["/srv/data:/data:ro", "shared:/shared"] },
    binds: ["/srv/data:/data:ro", "shared:/shared", temporary("/builds")],
    isFresh: true,
  },
  {
    name: "the builds need no volume of their own where another covers them",
    docker: { volumes: ["/srv/builds:/builds"] },
    binds: ["/srv/builds:/builds"],
    isFresh: false,
  },
  {
    name: "disable_cache makes all of them temporary",
    job: { reusesBuilds: true },
    docker: { volumes: ["/cache"], disablesCache: true },
    binds: [temporary("/cache"), temporary("/builds")],
    isFresh: true,
  },
  {
    name: "cache_dir puts those that are used again on the host",
    docker: { volumes: ["/cache"], cacheDirectory: "/srv/cache" },
    binds: [`/srv/cache/${names.cacheDirectory("/cache", false)}:/cache`, temporary("/builds")],
    isFresh: true,
  },
  {
    name: "protected refs have volumes of their own",
    job: { isProtected: true },
    docker: { volumes: ["/cache"] },
    binds: [`${names.reusableVolume("/cache", true)}:/cache`, temporary("/builds")],
    isFresh: true,
  },
];

for (const { name, job = {}, docker = {}, binds, isFresh } of cases) {
  test(`volumes: ${name}`, () => {
    const plan = planVolumes(
      {
        reusesBuilds: false,
        isProtected: false,
        directories: { builds: "/builds", project: "/builds/g/p", temporary: "/builds/g/p.tmp" },
        ...job,
        docker: { volumes: [], disablesCache: false, cacheDirectory: undefined, ...docker },
      },
      names,
    );
    assert.deepEqual(plan.binds, binds);
    assert.equal(plan.areBuildsFresh, isFresh);
  });
}

for (const { volumes, message } of [
  { volumes: ["relative"], message: /volumes: "relative": expected "\/dest", "\/host:\/dest\[:mode\]"/ },
  { volumes: ["/a:/b:ro:x"], message: /volumes: "\/a:\/b:ro:x"/ },
  { volumes: ["/cache", "x:/cache"], message: /volumes: two entries for \/cache/ },
]) {
  test(`volumes = ${JSON.stringify(volumes)} is refused`, () => {
    const docker = { volumes, disablesCache: false, cacheDirectory: undefined };
    const directories = { builds: "/builds", project: "/builds/g/p", temporary: "/builds/g/p.tmp" };
    const job = { docker, directories, reusesBuilds: false, isProtected: false };
    assert.throws(() => planVolumes(job, names), message);
  });
}

test("names of volumes tell nothing of the runner token", () => {
  const all = [names.build, names.helper, names.network, names.reusableVolume("/builds", false)];
  assert.ok(all.every((name) => !name.includes("abc123def456")));
  assert.match(names.build, /^runner-abc123def-project-7-concurrent-0-[0-9a-f]{16}-build$/);
  assert.match(names.reusableVolume("/builds", true), /^runner-[0-9a-f]{32}-cache-[0-9a-f]{32}-protected$/);
  assert.equal(names.network, "runner-abc123def-7-0-9");
});

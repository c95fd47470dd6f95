import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import { skipWithoutEngine } from "../../../../test/support/docker-engine.ts";
import { openRemoteCache } from "../../src/cache/remote/open-remote-cache.ts";
import { aRunner } from "../support/a-runner.ts";
import { type CacheStore, startS3Store } from "../support/cache-stores.ts";
import { skippedWithout } from "../support/test-peers.ts";
import { createDockerScene, type DockerScene, type DockerWishes } from "./support/docker-scene.ts";

const cache = {
  ...{ key: "deps", includesUntracked: false, paths: ["deps"], when: "on_success", policy: "", fallbackKeys: [] },
} as const;

describe("caches of jobs in containers", { skip: skipWithoutEngine || skippedWithout("versitygw") }, () => {
  let scene: DockerScene;
  let store: CacheStore;

  before(async () => {
    [scene, store] = await Promise.all([createDockerScene(), startS3Store()]);
  });

  after(async () => {
    for (const one of [scene, store]) await one?.[Symbol.asyncDispose]();
  });

  test("go from the helper's container to the store and back, without an archive on any volume", async () => {
    const { store: config } = aRunner("http://127.0.0.1:1", { cache: store.cacheTable }).cache;
    assert.ok(config);
    const remoteCache = openRemoteCache(config, { log: silentLog, environment: {} });
    // The store is at this machine's loopback address; nothing outlives a job but what is in it.
    const docker = { network_mode: "host", disable_cache: true };
    const wishes: DockerWishes = {
      ...{ docker, cacheTable: store.cacheTable, caches: [cache], variables: { GIT_STRATEGY: "empty" } },
    };
    const saved = await scene.run({ ...wishes, script: ["mkdir deps", "echo library > deps/lib"] }, { remoteCache });
    assert.deepEqual(saved.verdict, { state: "success" }, saved.text);
    assert.match(
      saved.text,
      /^Uploading cache\.zip to http:\/\/127\.0\.0\.1:\d+\/ci-caches\/runner\/abc123def\/project\//m,
    );
    const found = await scene.run({ ...wishes, script: ["cat deps/lib"] }, { remoteCache });
    assert.deepEqual(found.verdict, { state: "success" }, found.text);
    assert.match(found.text, /^Successfully extracted cache$/m);
    assert.match(found.text, /^library$/m);
    const [restored] = found.trace.named("restore_cache");
    assert.partialDeepStrictEqual(restored?.attributes, { "ci.cache.hit": true, "ci.cache.backend": "s3" });
    assert.ok(Number(restored?.attributes["ci.network.rx_bytes"]) > 100);
    assert.doesNotMatch(`${saved.text}${found.text}`, /X-Amz/);
  });
});

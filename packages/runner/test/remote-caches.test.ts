import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { createLog, silentLog } from "@jobscope/labkit";
import { stringify } from "smol-toml";
import { openRemoteCache } from "../src/cache/remote/open-remote-cache.ts";
import { RemoteCacheError } from "../src/cache/remote/remote-cache.ts";
import { checkCaches } from "../src/commands/check-caches.ts";
import type { CacheEntry } from "../src/coordinator-client/job.ts";
import { aJob, type JobWishes } from "./support/a-job.ts";
import { aRunner } from "./support/a-runner.ts";
import { aTrace } from "./support/a-trace.ts";
import {
  bucket,
  type CacheStore,
  s3CacheTable,
  startAzureStore,
  startGcsStore,
  startS3Store,
} from "./support/cache-stores.ts";
import { withCommand } from "./support/command-scene.ts";
import { helperAsProcess } from "./support/helper-as-process.ts";
import { type HttpRelay, startHttpRelay } from "./support/http-relay.ts";
import { aVariable } from "./support/job-payload.ts";
import { createJobBench, type JobBench, plainText } from "./support/run-a-job.ts";
import { skippedWithout } from "./support/test-peers.ts";
import { aScriptJob, finalUpdateOf, logOf, withManager } from "./support/with-manager.ts";

const cache: CacheEntry = {
  key: "deps-$CI_JOB_NAME",
  includesUntracked: false,
  paths: ["deps"],
  when: "on_success",
  policy: "",
  fallbackKeys: [],
};

type CacheTable = Readonly<Record<string, unknown>>;

/** Runs a job with a store for its caches, on a machine with a cache directory of its own. */
async function runJob(
  bench: JobBench,
  store: { readonly cacheTable: CacheTable; readonly environment?: Readonly<Record<string, string>> },
  wishes: JobWishes,
) {
  const recorded = aTrace();
  const runner = aRunner("http://127.0.0.1:1", { token: "glrt-abc123def456", cache: store.cacheTable });
  assert.ok(runner.cache.store);
  const remoteCache = openRemoteCache(runner.cache.store, { log: silentLog, environment: store.environment ?? {} });
  const job = aJob({
    caches: [cache],
    ...wishes,
    variables: { GIT_STRATEGY: "empty", CI_JOB_NAME: "j", ...wishes.variables },
  });
  const result = await bench.run(job, { runner, remoteCache, jobTrace: recorded.jobTrace });
  return { ...result, ...recorded };
}

const fillsCache = { script: ["mkdir -p deps", "head -c 200000 /dev/urandom > deps/lib", "cksum < deps/lib"] };
const readsCache = { script: ["cksum < deps/lib"] };
const checksum = (text: string) => /^\d+ 200000$/m.exec(text)?.[0];

const stores = [
  { backend: "s3", peer: "versitygw", start: startS3Store, object: `/${bucket}/runner/abc123def/project/7/deps-j` },
  {
    backend: "gcs",
    peer: "fake-gcs-server",
    start: startGcsStore,
    object: `/${bucket}/runner/abc123def/project/7/deps-j`,
  },
  {
    backend: "azure",
    peer: "azurite-blob",
    start: startAzureStore,
    object: `/devstoreaccount1/${bucket}/runner/abc123def/project/7/deps-j`,
  },
] as const;

for (const { backend, peer, start, object } of stores) {
  describe(`caches in ${backend} (${peer})`, { skip: skippedWithout(peer) }, () => {
    let store: CacheStore;
    let here: JobBench;
    let elsewhere: JobBench;

    before(async () => {
      // The other machine has its files in a volume: its work is done by the helper program.
      const { runHelper } = helperAsProcess();
      [store, here, elsewhere] = await Promise.all([start(), createJobBench(), createJobBench({ runHelper })]);
    });

    after(async () => {
      for (const one of [store, here, elsewhere]) await one?.[Symbol.asyncDispose]();
    });

    test("what a job keeps on one machine, the next one finds on another", async () => {
      const saved = await runJob(here, store, fillsCache);
      assert.deepEqual(saved.verdict, { state: "success" });
      const address = `${store.url}${object}`;
      assert.match(saved.text, /^WARNING: file does not exist/m);
      assert.match(saved.text, /^Failed to extract cache$/m);
      assert.match(saved.text, /^Using presigned URL for cache upload +$/m);
      assert.match(saved.text, new RegExp(`^Uploading cache.zip to ${address} +$`, "m"));
      assert.match(saved.text, /^Created cache$/m);
      const [missed] = saved.named("restore_cache");
      const [archived] = saved.named("archive_cache");
      assert.ok(missed && archived);
      assert.deepEqual([missed.status, missed.attributes["ci.cache.hit"]], ["ok", false]);
      assert.equal(missed.attributes["ci.cache.backend"], backend);
      assert.equal(archived.status, "ok");
      const size = archived.attributes["ci.cache.size_bytes"];
      assert.partialDeepStrictEqual(archived.attributes, {
        "ci.cache.backend": backend,
        "ci.cache.key": "deps-j",
        "ci.cache.files": 2,
        "ci.network.tx_bytes": size,
        "ci.operation.retry_count": 0,
      });

      const found = await runJob(elsewhere, store, readsCache);
      assert.deepEqual(found.verdict, { state: "success" });
      assert.equal(checksum(found.text), checksum(saved.text));
      assert.match(found.text, /^Using presigned URL for cache download +$/m);
      assert.match(found.text, new RegExp(`^Downloading cache from ${address}`, "m"));
      assert.match(found.text, /^Successfully extracted cache$/m);
      assert.match(found.text, /^Archive is up to date! +$/m);
      const [restored] = found.named("restore_cache");
      assert.equal(restored?.status, "ok");
      assert.partialDeepStrictEqual(restored?.attributes, {
        "ci.cache.hit": true,
        "ci.cache.backend": backend,
        "ci.cache.size_bytes": size,
        "ci.network.rx_bytes": size,
      });
      const directory = path.join(elsewhere.directory, "cache", "group", "demo-empty", "deps-j");
      assert.deepEqual(JSON.parse(await readFile(path.join(directory, "metadata.json"), "utf8")), {
        cachekey: "deps-j",
      });
      assert.ok((await stat(path.join(directory, "cache.zip"))).mtimeMs <= Date.now());
    });

    test("an archive that is here already is not fetched again", async () => {
      const { text, named } = await runJob(elsewhere, store, readsCache);
      assert.match(text, /^cache\.zip is up to date +$/m);
      assert.match(text, /^Successfully extracted cache$/m);
      assert.equal(named("restore_cache")[0]?.attributes["ci.network.rx_bytes"], 0);
    });

    test("a key with characters that addresses give a meaning to is kept and found", async () => {
      const caches = [{ ...cache, key: "a b+c/ü#?*%/$CI_JOB_NAME" }];
      const saved = await runJob(here, store, { ...fillsCache, caches });
      assert.match(saved.text, /^Created cache$/m);
      const found = await runJob(elsewhere, store, { ...readsCache, caches });
      assert.equal(checksum(found.text), checksum(saved.text));
    });

    test("an archive over the limit stays here", async () => {
      const limited = { ...store, cacheTable: { ...store.cacheTable, MaxUploadedArchiveSize: 1000 } };
      const caches = [{ ...cache, key: "big" }];
      const { text, named } = await runJob(here, limited, { ...fillsCache, caches });
      assert.match(
        text,
        /^Cache archive size \(\d+\) is too big \(Limit is set to 1000\)\. Cache will be stored only locally\./m,
      );
      assert.match(text, /^Created cache$/m);
      assert.equal(named("archive_cache")[0]?.attributes["ci.network.tx_bytes"], 0);
    });

    test("a bucket that is not there costs the cache and not the job", async () => {
      const table = JSON.parse(JSON.stringify(store.cacheTable).replaceAll(bucket, "no-such-bucket")) as CacheTable;
      const caches = [{ ...cache, key: "nowhere" }];
      const { verdict, text, named } = await runJob(here, { ...store, cacheTable: table }, { ...fillsCache, caches });
      assert.deepEqual(verdict, { state: "success" });
      assert.match(text, /^FATAL: received: 404 Not Found/m);
      assert.match(text, /^Failed to create cache$/m);
      const [archived] = named("archive_cache");
      assert.equal(archived?.status, "error");
      assert.match(archived?.message ?? "", /^received: 404 Not Found/);
    });
  });
}

describe("caches in a store that nothing can be signed for", () => {
  const troubles = [
    { name: "no credentials", thrown: new RemoteCacheError("no credentials"), why: "no credentials" },
    { name: "a fault of the adapter", thrown: new TypeError("x is undefined"), why: "internal error of the runner" },
  ];
  for (const { name, thrown, why } of troubles) {
    test(`${name}: caches stay on the disk, and log and span say why`, async () => {
      await using bench = await createJobBench();
      const refuse = () => Promise.reject(thrown);
      const remoteCache = { backend: "s3", signDownload: refuse, signUpload: refuse } as const;
      const run = async (script: readonly string[]) => {
        const recorded = aTrace();
        const job = aJob({ script, caches: [cache], variables: { GIT_STRATEGY: "empty", CI_JOB_NAME: "j" } });
        return { ...(await bench.run(job, { remoteCache, jobTrace: recorded.jobTrace })), ...recorded };
      };
      const saved = await run(fillsCache.script);
      assert.deepEqual(saved.verdict, { state: "success" });
      assert.match(saved.text, new RegExp(`^Unable to generate cache upload environment: ${why}$`, "m"));
      const found = await run(readsCache.script);
      assert.equal(checksum(found.text), checksum(saved.text));
      assert.match(found.text, new RegExp(`^Failed to obtain environment for cache deps-j: ${why}$`, "m"));
      const [restored] = found.named("restore_cache");
      assert.deepEqual([restored?.status, restored?.message], ["error", why]);
      assert.equal(restored?.attributes["ci.cache.hit"], true);
    });
  }
});

describe("caches in S3 with troubles", { skip: skippedWithout("versitygw") }, () => {
  let store: CacheStore;
  let relay: HttpRelay;
  let bench: JobBench;

  before(async () => {
    [store, bench] = await Promise.all([startS3Store(), createJobBench()]);
    relay = await startHttpRelay(store.url);
  });

  after(async () => {
    for (const one of [relay, store, bench]) await one?.[Symbol.asyncDispose]();
  });

  test("wrong keys are told by the store's reason, without any of what was sent", async () => {
    const cacheTable = s3CacheTable(store.url, { SecretKey: "another-secret-of-nobody" });
    const { verdict, text, named, spans } = await runJob(bench, { cacheTable }, fillsCache);
    assert.deepEqual(verdict, { state: "success" });
    assert.match(
      text,
      /^WARNING: received: 403 Forbidden\. Request failed with code: SignatureDoesNotMatch, message: /m,
    );
    assert.match(text, /^FATAL: received: 403 Forbidden\. Request failed with code: SignatureDoesNotMatch, message: /m);
    for (const span of [named("restore_cache")[0], named("archive_cache")[0]]) {
      assert.equal(span?.status, "error");
      assert.match(span?.message ?? "", /SignatureDoesNotMatch/);
      assert.equal(span?.attributes["error.type"], "cache_store_failure");
    }
    assert.doesNotMatch(`${text}${JSON.stringify(spans)}`, /X-Amz|Signature=|jobscope-test|secret-of/);
  });

  test("a store that is overloaded, then cuts a download, gives the archive all the same", async () => {
    const cacheTable = s3CacheTable(relay.url);
    const caches = [{ ...cache, key: "troubled" }];
    const saved = await runJob(bench, { cacheTable }, { ...fillsCache, caches });
    await rm(path.join(bench.directory, "cache"), { recursive: true });
    relay.faults.push({ kind: "answer", status: 503 }, { kind: "cut", afterBytes: 60_000 });
    const found = await runJob(bench, { cacheTable }, { ...readsCache, caches });
    assert.equal(checksum(found.text), checksum(saved.text));
    assert.match(found.text, /^WARNING: Retrying\.\.\. +error=received: 503 Service Unavailable$/m);
    const [restored] = found.named("restore_cache");
    assert.equal(restored?.attributes["ci.operation.retry_count"], 2);
  });

  test("a key that is not there leads to the next one, and the span says which", async () => {
    const cacheTable = s3CacheTable(store.url);
    const saved = await runJob(bench, { cacheTable }, { ...fillsCache, caches: [{ ...cache, key: "main" }] });
    const caches = [{ ...cache, key: "branch", policy: "pull", fallbackKeys: ["nothing", "main"] }];
    await rm(path.join(bench.directory, "cache"), { recursive: true });
    const found = await runJob(bench, { cacheTable }, { ...readsCache, caches });
    assert.equal(checksum(found.text), checksum(saved.text));
    const [restored] = found.named("restore_cache");
    assert.equal(restored?.status, "ok");
    const expected = { "ci.cache.key": "branch", "ci.cache.hit": true, "ci.cache.fallback_key": "main" };
    assert.partialDeepStrictEqual(restored?.attributes, expected);
  });

  test("a region that is left out is asked of the store", async () => {
    const cacheTable = s3CacheTable(store.url, { BucketLocation: "" });
    const { text } = await runJob(bench, { cacheTable }, { ...fillsCache, caches: [{ ...cache, key: "region" }] });
    assert.match(text, /^Created cache$/m);
  });

  test("a hashed key names an object below its first two digits", async () => {
    const variables = { FF_HASH_CACHE_KEYS: "true" };
    const shared = { cacheTable: { ...s3CacheTable(store.url), Shared: true, Path: "ci" } };
    const { text } = await runJob(bench, shared, { ...fillsCache, caches: [{ ...cache, key: "../x" }], variables });
    const digest = createHash("sha256").update("../x").digest("hex");
    const address = `${store.url}/${bucket}/ci/project/7/${digest.slice(0, 2)}/${digest}`;
    assert.match(text, new RegExp(`^Uploading cache.zip to ${address} `, "m"));
    assert.match(text, /^Created cache$/m);
  });

  test("a runner that polls for jobs keeps their caches in its store, and its log holds no secret of it", async () => {
    const lines: string[] = [];
    const log = createLog({ level: "debug", write: (line) => lines.push(line) });
    const caches = [{ key: "polled", paths: ["deps"], policy: "pull-push", when: "on_success" }];
    const variables = [aVariable("GIT_STRATEGY", "empty"), aVariable("FF_TIMESTAMPS", "false")];
    const wrong = s3CacheTable(store.url, { SecretKey: "another-secret-of-nobody" });
    for (const cacheTable of [store.cacheTable, wrong]) {
      await withManager(
        async ({ coordinator }) => {
          assert.equal((await finalUpdateOf(coordinator, 1))["state"], "success");
          const said = plainText(logOf(coordinator, 1));
          assert.match(said, cacheTable === wrong ? /^Failed to create cache$/m : /^Created cache$/m);
          assert.doesNotMatch(said, /X-Amz|secret-of/);
        },
        {
          runner: { cache: cacheTable },
          manager: { log },
          prepare: (coordinator) => {
            coordinator.script("request", aScriptJob(1, ["mkdir deps", "date > deps/x"], { cache: caches, variables }));
          },
        },
      );
    }
    assert.doesNotMatch(lines.join(), /X-Amz|secret-of/);
  });

  const twoRunners = (cacheTables: readonly CacheTable[]) =>
    stringify({
      runners: cacheTables.map((table, index) => ({
        ...{ name: `runner ${index}`, url: "http://127.0.0.1:1", token: "glrt-abc123def456", executor: "shell" },
        cache: table,
      })),
    });

  test("cache check says of each store which step does not work", async () => {
    const wrong = s3CacheTable(store.url, { BucketName: "no-such-bucket" });
    await withCommand(
      async ({ configFile, io, printed }) => {
        assert.equal(await checkCaches({ configFile }, io), false);
        const { stdout } = await printed();
        const object = "runner/abc123def/project/0/jobscope-cache-check";
        assert.deepEqual(stdout.replaceAll(/ \(\d+ ms\)/g, "").split("\n"), [
          `runner 0 (abc123def): bucket ${bucket} at ${store.url}`,
          "  ✓ sign an upload",
          `  ✓ write ${object}`,
          "  ✓ sign a download",
          `  ✓ read ${object}`,
          `runner 1 (abc123def): bucket no-such-bucket at ${store.url}`,
          "  ✓ sign an upload",
          `  ✗ write ${object}: received: 404 Not Found. Request failed with code: NoSuchBucket, message: The specified bucket does not exist.`,
          "  ✓ sign a download",
          "",
        ]);
      },
      { config: twoRunners([store.cacheTable, wrong]) },
    );
  });

  test("cache check of runners without a store is asked for wrongly", async () => {
    await withCommand(
      async ({ configFile, io }) => {
        await assert.rejects(checkCaches({ configFile }, io), {
          exitCode: 2,
          message: /no runner of .* has a \[runners\.cache\]/,
        });
      },
      { config: twoRunners([{}]) },
    );
  });
});

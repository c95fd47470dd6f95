import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Log, silentLog } from "@jobscope/labkit";
import { remoteObjectName } from "../cache/remote/object-name.ts";
import { openRemoteCache } from "../cache/remote/open-remote-cache.ts";
import type { RemoteCache } from "../cache/remote/remote-cache.ts";
import { downloadArchive } from "../cache/transfer/download-archive.ts";
import { createStoreConnections } from "../cache/transfer/store-connections.ts";
import { uploadArchive } from "../cache/transfer/upload-archive.ts";
import type { CacheStoreConfig } from "../config/cache-config.ts";
import { loadConfig } from "../config/load-config.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import { CommandError, type CommandIo, writeLine } from "./command-io.ts";
import { type RunnerSelector, selectRunners } from "./select-runners.ts";

export interface CheckCachesOptions extends RunnerSelector {
  readonly configFile: string;
}

/**
 * Brings a small object to the store of each runner's caches and fetches it again, as a job would, and says which step did
 * not work. The object stays: a runner cannot remove what it wrote. It has its own place, which no project has.
 *
 * @returns whether all stores work.
 * @throws {ConfigError} @throws {CommandError} when no runner has a store.
 */
export async function checkCaches(options: CheckCachesOptions, io: CommandIo): Promise<boolean> {
  const config = await loadConfig(options.configFile, { environment: io.environment });
  const withStores = selectRunners(config, options).filter(({ runner }) => runner.cache.store !== undefined);
  if (withStores.length === 0) {
    throw new CommandError(2, `no runner of ${options.configFile} has a [runners.cache] with a Type`);
  }
  const outcomes: boolean[] = [];
  for (const { runner } of withStores) outcomes.push(await checkCache(runner, io));
  return outcomes.every((isFine) => isFine);
}

/** As long as a first request to a store may take; a job has more time. */
const timeoutMs = 30_000;

async function checkCache(runner: RunnerConfig, io: CommandIo): Promise<boolean> {
  const { store, path: prefix, isShared } = runner.cache;
  if (store === undefined) return true;
  writeLine(io.stdout, `${runner.name} (${runner.shortToken}): ${describeStore(store)}`);
  const objectName = remoteObjectName({
    ...{ path: prefix, shortRunnerToken: isShared ? undefined : runner.shortToken },
    ...{ projectId: 0, key: "jobscope-cache-check", isHashed: false },
  });
  if (objectName === undefined) throw new CommandError(2, `Path "${prefix}" leads out of the bucket`);
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-cache-check-"));
  try {
    return await tryOut(openRemoteCache(store, { log: warnings(io), environment: io.environment }), {
      ...{ objectName, directory, io },
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What the store's adapter has to say, a region that could not be asked for, say, stands among the steps. */
function warnings({ stdout }: CommandIo): Log {
  return {
    ...silentLog,
    warn(message, fields = {}) {
      const facts = Object.entries(fields).map(([name, value]) => `${name} ${String(value)}`);
      writeLine(stdout, `  ! ${message} (${facts.join(", ")})`);
    },
  };
}

interface Trial {
  readonly objectName: string;
  readonly directory: string;
  readonly io: CommandIo;
}

async function tryOut(cache: RemoteCache, { objectName, directory, io }: Trial): Promise<boolean> {
  const { signal, environment } = io;
  const wish = { objectName, validMs: 600_000, signal };
  const connections = createStoreConnections(environment);
  const transfer = {
    ...{ connections, timeoutMs, signal, firstPauseMs: 200, onProgress() {} },
    report: { info() {}, warning() {} },
  };
  const content = randomBytes(1024);
  const [written, read] = [path.join(directory, "written"), path.join(directory, "read", "cache.zip")];
  /** @returns what the step gave; `undefined`, and why on the screen, when it did not work. */
  const step = async <Result>(name: string, work: () => Promise<Result>): Promise<Result | undefined> => {
    const startedMs = performance.now();
    try {
      const result = await work();
      writeLine(io.stdout, `  ✓ ${name} (${Math.round(performance.now() - startedMs)} ms)`);
      return result;
    } catch (error) {
      signal.throwIfAborted();
      writeLine(io.stdout, `  ✗ ${name}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  try {
    await writeFile(written, content);
    const upload = await step("sign an upload", () =>
      cache.signUpload({ ...wish, cacheKey: "jobscope-cache-check", maxBytes: 0 }),
    );
    if (upload === undefined) return false;
    const sent = await step(`write ${objectName}`, () =>
      uploadArchive({ ...transfer, request: upload, file: written }),
    );
    const download = await step("sign a download", () => cache.signDownload(wish));
    if (sent === undefined || download === undefined) return false;
    const received = await step(`read ${objectName}`, async () => {
      const { kind } = await downloadArchive({ ...transfer, request: download, file: read });
      if (kind === "missing") throw new Error("it is not there, although it was written");
      if (!(await readFile(read)).equals(content)) throw new Error("it is not what was written");
      return kind;
    });
    return received !== undefined;
  } finally {
    await connections.destroy();
  }
}

function describeStore(store: CacheStoreConfig): string {
  switch (store.kind) {
    case "s3": {
      const place = store.endpoint ?? `Amazon S3, ${store.region ?? "the bucket's own region"}`;
      return `bucket ${store.bucket} at ${place}`;
    }
    case "gcs":
      return `bucket ${store.bucket} at Google Cloud Storage`;
    case "azure":
      return `container ${store.container} of ${store.account} at ${store.domain}`;
  }
}

import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";

const dayMs = 24 * 60 * 60 * 1000;
/** Nothing is made for longer than this: what is older in `staging` was left by a process that was killed. */
const staleAfterMs = dayMs;
/** No job takes so long that it still needs what it last asked for then. */
const unusedAfterMs = 30 * dayMs;
const sweepEveryMs = dayMs;
/** Others may pass to what they know the name of, as commands in a container do, but not look around. */
const passMode = 0o711;

/**
 * Directory of fetched functions, each under the id of its content (Git commit, manifest digest). An entry appears whole
 * or not at all: it is made beside and renamed into place, so that any number of jobs and processes may share the cache.
 *
 * Names of entries are hashes: no URL, and no credentials, ever become part of a path. What nobody asked for in 30 days is
 * removed: each entry's time says when somebody did.
 */
export class FunctionCache {
  readonly #root: string;
  #sweeping: Promise<void> | undefined;
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * @param origin where the content came from. Part of the entry's name, so that knowing a content's id is not enough to
   *   get what another origin's credentials fetched.
   * @param contentId commit id or digest.
   */
  entryPath(kind: "git" | "oci", origin: string, contentId: string): string {
    const originHash = createHash("sha256").update(origin).digest("hex").slice(0, 32);
    return join(this.#root, kind, originHash, contentId.replace(/[^a-zA-Z0-9]/g, "-"));
  }

  /** Whether the entry is there; if it is, it stays for as long as a job may take. */
  async has(entry: string): Promise<boolean> {
    const isThere = await stat(entry).then(
      (found) => found.isDirectory(),
      () => false,
    );
    const now = new Date();
    if (isThere) await utimes(entry, now, now).catch(() => {}); // another user's
    return isThere;
  }

  /** A fresh private directory on the cache's file system; gone when disposed, unless it was stored. */
  async createStaging(): Promise<{ readonly directory: string } & AsyncDisposable> {
    const staging = join(this.#root, "staging");
    await mkdir(this.#root, { recursive: true, mode: passMode });
    await mkdir(staging, { recursive: true, mode: 0o700 });
    await this.#sweep(staging);
    const directory = join(staging, randomBytes(12).toString("hex"));
    await mkdir(directory, { mode: 0o755 });
    return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
  }

  /** Removes what was left behind and what is no longer used, now and then. */
  async #sweep(staging: string): Promise<void> {
    const nowMs = Date.now();
    if (nowMs - this.#sweptAtMs >= sweepEveryMs) {
      this.#sweptAtMs = nowMs;
      this.#sweeping = this.#removeOlder(staging, nowMs);
    }
    await this.#sweeping;
  }

  async #removeOlder(staging: string, nowMs: number): Promise<void> {
    for (const kind of ["git", "oci"]) {
      for (const origin of await readdir(join(this.#root, kind)).catch(() => [])) {
        for (const entry of await findOlder(join(this.#root, kind, origin), nowMs - unusedAfterMs)) {
          // not there any more before the first of its files goes; one of another user stays
          const place = join(staging, randomBytes(12).toString("hex"));
          await rename(entry, place).then(
            () => rm(place, { recursive: true, force: true }),
            () => {},
          );
        }
      }
    }
    for (const path of await findOlder(staging, nowMs - staleAfterMs)) await rm(path, { recursive: true, force: true });
  }

  /** Makes a finished directory the entry. Whoever comes second leaves the first one's: both have the same content. */
  async store(directory: string, entry: string): Promise<void> {
    await mkdir(dirname(entry), { recursive: true, mode: passMode });
    try {
      await rename(directory, entry);
    } catch (error) {
      if (!(await this.has(entry))) throw error;
    }
  }
}

/** Directories below `parent` that were last used or made before a time. */
async function findOlder(parent: string, beforeMs: number): Promise<string[]> {
  const paths = (await readdir(parent).catch(() => [])).map((name) => join(parent, name));
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return paths.filter((_, index) => (found[index]?.mtimeMs ?? Number.POSITIVE_INFINITY) < beforeMs);
}

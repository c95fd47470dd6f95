import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

const staleAfterMs = 24 * 60 * 60 * 1000;
/** Others may pass to what they know the name of, as commands in a container do, but not look around. */
const passMode = 0o711;

/**
 * Directory of fetched functions, each under the id of its content (Git commit, manifest digest). An entry appears whole
 * or not at all: it is made beside and renamed into place, so that any number of jobs and processes may share the cache.
 *
 * Names of entries are hashes: no URL, and no credentials, ever become part of a path.
 */
export class FunctionCache {
  readonly #root: string;
  #swept: Promise<void> | undefined;

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

  async has(entry: string): Promise<boolean> {
    return await stat(entry).then(
      (found) => found.isDirectory(),
      () => false,
    );
  }

  /** A fresh private directory on the cache's file system; gone when disposed, unless it was stored. */
  async createStaging(): Promise<{ readonly directory: string } & AsyncDisposable> {
    const staging = join(this.#root, "staging");
    await mkdir(this.#root, { recursive: true, mode: passMode });
    await mkdir(staging, { recursive: true, mode: 0o700 });
    this.#swept ??= removeStale(staging);
    await this.#swept;
    const directory = join(staging, randomBytes(12).toString("hex"));
    await mkdir(directory, { mode: 0o755 });
    return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
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

/** What a process that was killed left behind. */
async function removeStale(staging: string): Promise<void> {
  const names = await readdir(staging);
  for (const name of names) {
    const path = join(staging, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > staleAfterMs) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

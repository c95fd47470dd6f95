import { createWriteStream } from "node:fs";
import { lstat, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fetchFailure } from "../fetch-limits.ts";

const maxPathLength = 4_096;

/**
 * Files of a function as archives bring them, below a directory that nobody else writes to. It never makes a link, and
 * replaces whatever is not a directory where one is needed: so nothing is ever written through something.
 */
export class FunctionTree {
  readonly #root: string;
  /** Directories known to be directories; `""` is the root. */
  readonly #directories = new Set([""]);

  constructor(root: string) {
    this.#root = root;
  }

  /** @param name as in the archive. @throws {FunctionError} `fetch_failed` for a name that leads out. */
  async addDirectory(name: string): Promise<void> {
    await this.#ensureDirectory(safeSegments(name));
  }

  /** A later file replaces an earlier one of its name. @param executable keeps the bits that make a program of it. */
  async addFile(name: string, executable: boolean, content: AsyncIterable<Uint8Array>): Promise<void> {
    const segments = safeSegments(name);
    if (segments.length === 0) throw fetchFailure("an archive entry has no name");
    await this.#ensureDirectory(segments.slice(0, -1));
    const path = segments.join("/");
    const target = join(this.#root, path);
    await rm(target, { recursive: true, force: true });
    for (const known of this.#directories) {
      if (known === path || known.startsWith(`${path}/`)) this.#directories.delete(known);
    }
    await pipeline(content, createWriteStream(target, { flags: "wx", mode: executable ? 0o755 : 0o644 }));
  }

  async #ensureDirectory(segments: readonly string[]): Promise<void> {
    for (let depth = 1; depth <= segments.length; depth++) {
      const path = segments.slice(0, depth).join("/");
      if (this.#directories.has(path)) continue;
      const target = join(this.#root, path);
      const found = await lstat(target).catch(() => undefined);
      if (found !== undefined && !found.isDirectory()) await rm(target, { force: true });
      if (!found?.isDirectory()) await mkdir(target, { mode: 0o755 });
      this.#directories.add(path);
    }
  }
}

/** `./bin//tool` and `/bin/tool` are `bin/tool`; a name with `..` is refused, whatever it would lead to. */
function safeSegments(name: string): string[] {
  const segments = name.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (name.length > maxPathLength || name.includes("\0") || segments.includes("..")) {
    throw fetchFailure(`an archive entry leads out of the function's directory: ${JSON.stringify(name.slice(0, 200))}`);
  }
  return segments;
}

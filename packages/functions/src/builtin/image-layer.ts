import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress } from "node:zlib";
import { type Pack, pack } from "tar-stream";
import { FunctionError } from "../function-error.ts";
import { type Descriptor, layerMediaType } from "../source/oci/manifest.ts";
import { openProjectEntry } from "./project-file.ts";

/** Content-addressed files of an image that is being made; gone when disposed. */
export class BlobStore implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async create(): Promise<BlobStore> {
    return new BlobStore(await mkdtemp(join(tmpdir(), "jobscope-image-")));
  }

  /** Digests of all blobs, with their sizes. */
  readonly sizes = new Map<string, number>();

  async addText(text: string, mediaType: string): Promise<Descriptor> {
    return await this.#add(mediaType, (target) => pipeline([text], target));
  }

  /** @param write sends the blob's bytes into the given stream and ends it. */
  async addStream(mediaType: string, write: (target: NodeJS.WritableStream) => Promise<void>): Promise<Descriptor> {
    return await this.#add(mediaType, write);
  }

  open(digest: string): NodeJS.ReadableStream {
    return createReadStream(this.#path(digest));
  }

  async #add(mediaType: string, write: (target: NodeJS.WritableStream) => Promise<void>): Promise<Descriptor> {
    const hash = createHash("sha256");
    let size = 0;
    const counter = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        hash.update(chunk);
        size += chunk.length;
        done(null, chunk);
      },
    });
    const temporary = join(this.#directory, "writing");
    await Promise.all([pipeline(counter, createWriteStream(temporary)), write(counter)]);
    const digest = `sha256:${hash.digest("hex")}`;
    await rename(temporary, this.#path(digest));
    this.sizes.set(digest, size);
    return { mediaType, digest, size };
  }

  #path(digest: string): string {
    return join(this.#directory, digest.replace(":", "-"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const earliest = new Date(0); // same files, same layer: times would make every build another

/**
 * Makes the layer of one `files` entry: a file, or a directory with all that is in it, under its destination
 * (ci-functions.md §2.6). Links and special files are left out.
 *
 * @throws {FunctionError} `invalid_input`
 */
export async function addLayer(
  blobs: BlobStore,
  workDir: string,
  { destination, source }: { destination: string; source: string },
  signal: AbortSignal,
): Promise<Descriptor> {
  const name = imagePath(destination);
  return await blobs.addStream(layerMediaType, async (target) => {
    const tar = pack();
    const compressing = pipeline(tar, createZstdCompress(), target, { signal });
    compressing.catch(() => {}); // reported below
    try {
      await packEntry(tar, workDir, source, name);
      tar.finalize();
    } catch (error) {
      tar.destroy();
      await compressing.catch(() => {});
      throw error;
    }
    await compressing;
  });
}

async function packEntry(tar: Pack, workDir: string, source: string, name: string): Promise<void> {
  const entry = await openProjectEntry(workDir, source);
  if (entry?.kind === "file") {
    await using file = entry.handle;
    const header = { name, size: entry.size, mode: entry.executable ? 0o755 : 0o644, mtime: earliest };
    const target = tar.entry(header) as unknown as NodeJS.WritableStream; // streamx's streams take what Node's do
    const content = entry.size === 0 ? [] : file.createReadStream({ autoClose: false, end: entry.size - 1 });
    await pipeline(content, target);
  } else if (entry?.kind === "directory") {
    if (name !== "") await packDirectory(tar, name);
    for (const child of entry.names) await packEntry(tar, workDir, posix.join(source, child), posix.join(name, child));
  }
}

async function packDirectory(tar: Pack, name: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  tar.entry({ name: `${name}/`, type: "directory", mode: 0o755, mtime: earliest }, (error) =>
    error ? reject(error) : resolve(),
  );
  await promise;
}

/** A destination relative to the image's root; `.` and `/` are the root itself. */
function imagePath(destination: string): string {
  const segments = destination.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (!segments.includes("..")) return segments.join("/");
  throw new FunctionError(`destination ${JSON.stringify(destination)} leads out of the image`, {
    code: "invalid_input",
  });
}

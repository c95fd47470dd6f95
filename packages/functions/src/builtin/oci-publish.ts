import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Response } from "undici";
import { z } from "zod";
import { parseRepository } from "../definition/parse-reference.ts";
import { FunctionError } from "../function-error.ts";
import { defaultFetchLimits, FetchMeter, fetchFailure } from "../source/fetch-limits.ts";
import { findLogin } from "../source/oci/docker-auth.ts";
import { extractTar } from "../source/oci/extract-layer.ts";
import { FunctionTree } from "../source/oci/function-tree.ts";
import { type Descriptor, imageMediaType, indexMediaType, parseManifest } from "../source/oci/manifest.ts";
import { RegistryClient, readText } from "../source/oci/registry-client.ts";
import type { BuiltinCall, BuiltinFunction } from "./builtin-function.ts";
import { declare } from "./oci-build.ts";
import { openProjectEntry } from "./project-file.ts";
import type { RegistryAccess } from "./registry-access.ts";
import { isSemanticVersion, tagsToWrite } from "./version-tags.ts";

/**
 * `function/oci/publish`: pushes an archive that `function/oci/build` made, and keeps the tags of its version in order
 * (ci-functions.md §2.7). The login comes from `DOCKER_AUTH_CONFIG` in the step's environment.
 */
export function createOciPublish(options: RegistryAccess): BuiltinFunction {
  return {
    spec: {
      inputs: new Map([
        ["archive", declare("string")],
        ["to_repository", declare("string")],
      ]),
      outputs: new Map([
        ["tags", declare("array")],
        ["digest", declare("string")],
      ]),
    },
    reads: ({ archive }) => [String(archive)],
    writes: [],
    async run(call) {
      const { registry, repository } = parseRepository(String(call.inputs["to_repository"]));
      await using layout = await ImageLayout.open(call, String(call.inputs["archive"]));
      const client = new RegistryClient({
        registry,
        repository,
        login: findLogin(call.env["DOCKER_AUTH_CONFIG"], registry, repository),
        actions: "pull,push",
        plainHttp: options.plainHttp(registry),
        dispatcher: options.dispatcherFor(call.env),
        signal: call.signal,
      });
      await pushContent(client, layout);
      const tags = tagsToWrite(layout.version, await publishedTags(client));
      const index = await layout.text(layout.index.digest);
      for (const tag of tags) await putManifest(client, tag, index, indexMediaType);
      await call.print(`${registry}/${repository}: ${tags.join(", ")} (${layout.index.digest})`);
      return { tags, digest: layout.index.digest };
    },
  };
}

const layoutIndex = z.object({
  manifests: z.tuple([
    z.object({ digest: z.string(), size: z.number(), annotations: z.record(z.string(), z.string()) }),
  ]),
});

/** An OCI image layout that was unpacked; gone when disposed. */
class ImageLayout implements AsyncDisposable {
  readonly index: Pick<Descriptor, "digest" | "size">;
  readonly version: string;
  readonly #directory: string;

  private constructor(directory: string, index: Pick<Descriptor, "digest" | "size">, version: string) {
    this.#directory = directory;
    this.index = index;
    this.version = version;
  }

  static async open(call: BuiltinCall, archive: string): Promise<ImageLayout> {
    const entry = await openProjectEntry(call.workDir, archive);
    if (entry?.kind !== "file") throw notAnArchive(archive);
    await using file = entry.handle;
    const directory = await mkdtemp(join(tmpdir(), "jobscope-publish-"));
    try {
      const content = file.createReadStream({ autoClose: false });
      await extractTar(content, new FunctionTree(directory), new FetchMeter(defaultFetchLimits));
      const parsed = layoutIndex.safeParse(JSON.parse(await readFile(join(directory, "index.json"), "utf8")));
      const [index] = parsed.data?.manifests ?? [];
      const version = index?.annotations["org.opencontainers.image.ref.name"];
      if (index === undefined || version === undefined || !isSemanticVersion(version)) throw notAnArchive(archive);
      return new ImageLayout(directory, index, version);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error instanceof FunctionError ? error : notAnArchive(archive, error);
    }
  }

  async text(digest: string): Promise<string> {
    return await readFile(this.path(digest), "utf8");
  }

  path(digest: string): string {
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw fetchFailure("the archive names a blob by no digest");
    return join(this.#directory, "blobs", ...digest.split(":"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function notAnArchive(archive: string, cause?: unknown): FunctionError {
  return new FunctionError(`${archive} is no archive that function/oci/build made`, { code: "invalid_input", cause });
}

/** Everything below the tags: blobs first, then the manifests that name them. */
async function pushContent(client: RegistryClient, layout: ImageLayout): Promise<void> {
  const index = parseManifest(await layout.text(layout.index.digest));
  if (index.kind !== "index") throw fetchFailure("the archive's top manifest is no image index");
  for (const { digest } of index.manifests) {
    const text = await layout.text(digest);
    const manifest = parseManifest(text);
    if (manifest.kind !== "image") throw fetchFailure("the archive's index leads to another index");
    for (const blob of [...manifest.layers, ...(manifest.config ? [manifest.config] : [])]) {
      await pushBlob(client, layout.path(blob.digest), blob.digest);
    }
    await putManifest(client, digest, text, imageMediaType);
  }
}

async function pushBlob(client: RegistryClient, path: string, digest: string): Promise<void> {
  const known = await client.request(`/blobs/${digest}`, () => ({ method: "HEAD" }));
  await known.body?.cancel();
  if (known.ok) return;
  const started = await client.request("/blobs/uploads/", () => ({ method: "POST" }));
  await expectStatus(started, [202], "an upload");
  const location = new URL(started.headers.get("location") ?? "", client.baseUrl);
  location.searchParams.set("digest", digest);
  const { size } = await stat(path);
  const stored = await client.request(location.href, () => ({
    method: "PUT",
    headers: { "content-type": "application/octet-stream", "content-length": String(size) },
    body: createReadStream(path),
    duplex: "half",
  }));
  await expectStatus(stored, [201], "a layer");
}

async function putManifest(client: RegistryClient, name: string, text: string, mediaType: string): Promise<void> {
  const headers = { "content-type": mediaType };
  const stored = await client.request(`/manifests/${name}`, () => ({ method: "PUT", headers, body: text }));
  await expectStatus(stored, [201, 202], `manifest "${name}"`);
}

const tagList = z.object({ tags: z.array(z.string()).nullable().optional() });
const maxTagPages = 100;

/** All tags of the repository; none when it is new. */
async function publishedTags(client: RegistryClient): Promise<string[]> {
  const tags: string[] = [];
  let next: string | undefined = "/tags/list?n=1000";
  for (let page = 0; next !== undefined && page < maxTagPages; page++) {
    const response = await client.request(next);
    if (response.status === 404) {
      await response.body?.cancel();
      return tags;
    }
    if (!response.ok) await expectStatus(response, [200], "its tags");
    const link: string | undefined = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
    tags.push(...(tagList.parse(JSON.parse(await readText(response, undefined))).tags ?? []));
    next = link === undefined ? undefined : new URL(link, client.baseUrl).href;
  }
  return tags;
}

async function expectStatus(response: Response, wanted: readonly number[], what: string): Promise<void> {
  await response.body?.cancel();
  if (wanted.includes(response.status)) return;
  const denied = response.status === 401 || response.status === 403 ? ", access denied" : "";
  throw fetchFailure(`the registry answers ${response.status} for ${what}${denied}`);
}

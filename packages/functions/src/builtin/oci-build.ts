import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { z } from "zod";
import type { ValueDeclaration, ValueType } from "../definition/function-file.ts";
import type { JsonValue } from "../expression/json-value.ts";
import { FunctionError } from "../function-error.ts";
import { type Descriptor, emptyConfigMediaType, imageMediaType, indexMediaType } from "../source/oci/manifest.ts";
import { normalize, type Platform } from "../source/oci/platform.ts";
import type { BuiltinCall, BuiltinFunction } from "./builtin-function.ts";
import { addLayer, BlobStore } from "./image-layer.ts";
import { isSemanticVersion } from "./version-tags.ts";

/** Where the image goes, in the project directory (ci-functions.md §2.7). */
const archiveName = "function-image.tar";

const files = z.record(z.string(), z.string());
const part = z.strictObject({ files: files.default({}) });
const platformPart = z.strictObject({
  files: files.default({}),
  variant: z.string().optional(),
  "os.version": z.string().optional(),
  "os.features": z.array(z.string()).optional(),
  features: z.array(z.string()).optional(),
});
const shape = z.object({ version: z.string(), common: part, platforms: z.record(z.string(), platformPart) });

export function declare(type: ValueType, fallback?: JsonValue): ValueDeclaration {
  return { type, default: fallback, sensitive: false, description: undefined };
}

/**
 * `function/oci/build`: makes an image of a function from files of the project, one manifest for each platform, and writes
 * it as an OCI image layout in a tar (ci-functions.md §2.6, §2.7). Without `platforms` it makes one image for all.
 */
export const ociBuild: BuiltinFunction = {
  spec: {
    inputs: new Map([
      ["version", declare("string")],
      ["common", declare("struct", {})],
      ["platforms", declare("struct", {})],
    ]),
    outputs: new Map([
      ["archive", declare("string")],
      ["digest", declare("string")],
    ]),
  },
  reads(inputs) {
    const parsed = shape.safeParse(inputs).data;
    const parts = [parsed?.common, ...Object.values(parsed?.platforms ?? {})];
    return parts.flatMap((part) => Object.values(part?.files ?? {}));
  },
  writes: [archiveName],
  async run(call) {
    const inputs = parseInputs(call);
    await using blobs = await BlobStore.create();
    const created = new Date().toISOString();
    const config = await blobs.addText("{}", emptyConfigMediaType);
    const common = await addLayers(blobs, call, inputs.common.files);
    const manifests: object[] = [];
    for (const { platform, files: own } of inputs.platforms) {
      const layers = [...common, ...(await addLayers(blobs, call, own))];
      manifests.push({ ...(await addManifest(blobs, config, layers, created)), platform });
    }
    const index = await blobs.addText(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: indexMediaType,
        manifests,
        annotations: versionAnnotations(inputs.version, created),
      }),
      indexMediaType,
    );
    await writeArchive(blobs, index, inputs.version, join(call.workDir, archiveName), call.signal);
    await call.print(`${archiveName}: version ${inputs.version}, ${manifests.length} platform(s), ${index.digest}`);
    return { archive: archiveName, digest: index.digest };
  },
};

interface BuildInputs {
  readonly version: string;
  readonly common: { readonly files: Readonly<Record<string, string>> };
  readonly platforms: readonly { readonly platform: object; readonly files: Readonly<Record<string, string>> }[];
}

function parseInputs(call: BuiltinCall): BuildInputs {
  const parsed = shape.safeParse(call.inputs);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`input ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is invalid"}`);
  }
  const { version, common } = parsed.data;
  if (!isSemanticVersion(version)) throw invalid('input version: must be a semantic version such as "1.2.3"');
  const entries = Object.entries(parsed.data.platforms);
  const named = entries.length === 0 ? ([["generic/generic", { files: {} }]] as const) : entries;
  return {
    version,
    common,
    platforms: named.map(([key, { files: own, ...more }]) => ({ platform: platformOf(key, more), files: own })),
  };
}

/** The key is exactly `os/arch`. */
function platformOf(key: string, more: { variant?: string | undefined }): Platform {
  const [, os, architecture] = /^([a-z0-9]+)\/([a-z0-9_]+)$/.exec(key) ?? [];
  if (os === undefined || architecture === undefined) throw invalid(`input platforms: "${key}" is no os/arch`);
  return { ...more, ...normalize({ os, architecture, variant: more.variant }) };
}

function invalid(message: string): FunctionError {
  return new FunctionError(message, { code: "invalid_input" });
}

async function addLayers(
  blobs: BlobStore,
  call: BuiltinCall,
  mapping: Readonly<Record<string, string>>,
): Promise<Descriptor[]> {
  const layers: Descriptor[] = [];
  for (const [destination, source] of Object.entries(mapping)) {
    layers.push(await addLayer(blobs, call.workDir, { destination, source }, call.signal));
  }
  return layers;
}

async function addManifest(blobs: BlobStore, config: Descriptor, layers: readonly Descriptor[], created: string) {
  const manifest = {
    schemaVersion: 2,
    mediaType: imageMediaType,
    config,
    layers,
    annotations: { "org.opencontainers.image.created": created },
  };
  return await blobs.addText(JSON.stringify(manifest), imageMediaType);
}

function versionAnnotations(version: string, created: string): Record<string, string> {
  return { "org.opencontainers.image.created": created, "org.opencontainers.image.version": version };
}

/** OCI image layout: `oci-layout`, `index.json` that names the image index, and all blobs by digest. */
async function writeArchive(
  blobs: BlobStore,
  index: Descriptor,
  version: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const temporary = `${target}.${process.pid}.tmp`;
  const tar = pack();
  const writing = pipeline(tar, createWriteStream(temporary, { flags: "wx" }), { signal });
  writing.catch(() => {}); // reported below
  try {
    tar.entry({ name: "oci-layout" }, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    const reference = { ...index, annotations: { "org.opencontainers.image.ref.name": version } };
    tar.entry(
      { name: "index.json" },
      JSON.stringify({ schemaVersion: 2, mediaType: indexMediaType, manifests: [reference] }),
    );
    for (const [digest, size] of blobs.sizes) {
      const entry = tar.entry({ name: `blobs/${digest.replace(":", "/")}`, size });
      await pipeline(blobs.open(digest), entry as unknown as NodeJS.WritableStream);
    }
    tar.finalize();
    await writing;
    await rename(temporary, target);
  } catch (error) {
    tar.destroy();
    await rm(temporary, { force: true });
    throw error;
  }
}

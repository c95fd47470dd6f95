import type { Dispatcher, Response } from "undici";
import type { OciReference } from "../../definition/reference.ts";
import { type FetchMeter, fetchFailure } from "../fetch-limits.ts";
import type { FunctionCache } from "../function-cache.ts";
import type { LookupContext } from "../function-sources.ts";
import { findLogin } from "./docker-auth.ts";
import { extractLayer } from "./extract-layer.ts";
import { FunctionTree } from "./function-tree.ts";
import { acceptedManifests, type Descriptor, type Manifest, parseManifest } from "./manifest.ts";
import { choosePlatform, type Platform, platformText } from "./platform.ts";
import { RegistryClient, readText, sha256Of } from "./registry-client.ts";

export interface OciSourceOptions {
  readonly cache: FunctionCache;
  readonly platform: Platform;
  readonly plainHttp: (registry: string) => boolean;
  /** For the proxies that the step's environment names. */
  readonly dispatcherFor: (env: Readonly<Record<string, string>>) => Dispatcher;
}

/** An image's files in the cache. */
export interface OciTree {
  readonly directory: string;
  /** Of the image for this platform. */
  readonly digest: string;
  readonly cacheHit: boolean;
}

const maxLayers = 4_096;

/**
 * Brings a function's image into the cache (ci-functions.md §2.5 "Fetching"). The registry is asked for the manifest every
 * time, with the step's own credentials: tags move, and the cache is only for those who may pull.
 *
 * @throws {FunctionError} `fetch_failed`
 */
export async function fetchOciTree(
  options: OciSourceOptions,
  reference: OciReference,
  context: Pick<LookupContext, "env" | "signal">,
  meter: FetchMeter,
): Promise<OciTree> {
  const { registry, repository } = reference;
  const client = new RegistryClient({
    registry,
    repository,
    login: findLogin(context.env["DOCKER_AUTH_CONFIG"], registry, repository),
    actions: "pull",
    plainHttp: options.plainHttp(registry),
    dispatcher: options.dispatcherFor(context.env),
    signal: context.signal,
  });
  const image = await findImage(client, reference, options.platform, meter);
  const { cache } = options;
  const entry = cache.entryPath("oci", `${registry}/${repository}`, image.digest);
  if (await cache.has(entry)) return { directory: entry, digest: image.digest, cacheHit: true };
  await using staging = await cache.createStaging();
  const tree = new FunctionTree(staging.directory);
  if (image.layers.length > maxLayers) throw fetchFailure(`the image has more than ${maxLayers} layers`);
  for (const layer of image.layers) await fetchLayer(client, layer, tree, meter);
  await cache.store(staging.directory, entry);
  return { directory: entry, digest: image.digest, cacheHit: false };
}

interface FoundImage {
  readonly digest: string;
  readonly layers: readonly Descriptor[];
}

async function findImage(
  client: RegistryClient,
  reference: OciReference,
  platform: Platform,
  meter: FetchMeter,
): Promise<FoundImage> {
  const top = await fetchManifest(client, reference.version, meter);
  if (top.manifest.kind === "image") return { digest: top.digest, layers: top.manifest.layers };
  const chosen = choosePlatform(top.manifest.manifests, platform);
  if (chosen === undefined) {
    const found = top.manifest.manifests.map((entry) => (entry.platform ? platformText(entry.platform) : "none"));
    throw fetchFailure(
      `the image is for none of ${platformText(platform)} and generic, but for ${[...new Set(found)].join(", ") || "nothing"}`,
    );
  }
  const { manifest, digest } = await fetchManifest(client, chosen.digest, meter);
  if (manifest.kind === "index") throw fetchFailure("the image index leads to another index");
  return { digest, layers: manifest.layers };
}

/** @param version tag or digest; what comes for a digest must have it. */
async function fetchManifest(
  client: RegistryClient,
  version: string,
  meter: FetchMeter,
): Promise<{ manifest: Manifest; digest: string }> {
  const response = await client.request(`/manifests/${version}`, () => ({ headers: { accept: acceptedManifests } }));
  await refuseStatus(response, `version "${version}"`);
  const text = await readText(response, meter);
  const digest = sha256Of(text);
  if (version.startsWith("sha256:") && version !== digest) {
    throw fetchFailure(`a manifest has the digest ${digest}, expected ${version}`);
  }
  return { manifest: parseManifest(text), digest };
}

async function fetchLayer(
  client: RegistryClient,
  layer: Descriptor,
  tree: FunctionTree,
  meter: FetchMeter,
): Promise<void> {
  const response = await client.request(`/blobs/${layer.digest}`);
  await refuseStatus(response, "a layer");
  if (response.body === null) throw fetchFailure("the registry gave a layer without content");
  await extractLayer(response.body, layer.digest, tree, meter);
}

/** The registry's own message is not repeated: it is free text from outside. */
async function refuseStatus(response: Response, what: string): Promise<void> {
  if (response.ok) return;
  await response.body?.cancel();
  if (response.status === 404) throw fetchFailure(`${what} cannot be found in the registry`);
  const denied = response.status === 401 || response.status === 403 ? ", access denied" : "";
  throw fetchFailure(`the registry answers ${response.status} for ${what}${denied}`);
}

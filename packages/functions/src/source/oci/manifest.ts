import { z } from "zod";
import { fetchFailure } from "../fetch-limits.ts";

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const descriptor = z.object({
  mediaType: z.string().optional(),
  digest,
  size: z.number().int().nonnegative(),
  platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
});
const image = z.object({ config: descriptor.optional(), layers: z.array(descriptor) });
const index = z.object({ manifests: z.array(descriptor) });

export type Descriptor = z.infer<typeof descriptor>;

/** What a reference leads to: an index of images, or a single image (ci-functions.md §2.5). */
export type Manifest =
  | { readonly kind: "index"; readonly manifests: readonly Descriptor[] }
  | { readonly kind: "image"; readonly layers: readonly Descriptor[]; readonly config: Descriptor | undefined };

export const indexMediaType = "application/vnd.oci.image.index.v1+json";
export const imageMediaType = "application/vnd.oci.image.manifest.v1+json";
export const emptyConfigMediaType = "application/vnd.oci.image.config.v1+json";
/** Layers of functions (§2.6); reading accepts others too. */
export const layerMediaType = "application/vnd.gitlab.step.layer.v1.tar+zstd";

export const acceptedManifests = [
  indexMediaType,
  imageMediaType,
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** @throws {FunctionError} `fetch_failed` for what is no manifest. */
export function parseManifest(text: string): Manifest {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw fetchFailure("the registry's manifest is no JSON", cause);
  }
  const asIndex = index.safeParse(data);
  if (asIndex.success) return { kind: "index", manifests: asIndex.data.manifests };
  const asImage = image.safeParse(data);
  if (asImage.success) return { kind: "image", layers: asImage.data.layers, config: asImage.data.config };
  throw fetchFailure("the registry's manifest is neither an image index nor an image");
}

/** What an image is for, in the spelling of OCI. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

const ociArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };
const ociSystems: Readonly<Record<string, string>> = { win32: "windows" };
const defaultVariants: Readonly<Record<string, string>> = { arm64: "v8", arm: "v7" };

/** The platform of this machine. */
export function machinePlatform(): Platform {
  return normalize({
    os: ociSystems[process.platform] ?? process.platform,
    architecture: ociArchitectures[process.arch] ?? process.arch,
  });
}

/** The usual normalisation: arm64 implies v8, arm v7; other names in use for architectures. */
export function normalize(platform: Platform): Platform {
  const names: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64", i386: "386", armhf: "arm" };
  const architecture = names[platform.architecture] ?? platform.architecture;
  return { os: platform.os, architecture, variant: platform.variant || defaultVariants[architecture] };
}

export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter(Boolean).join("/");
}

/**
 * Chooses the entry for a platform: the same, else the closest lower variant of it, else one whose OS is `generic`
 * (ci-functions.md §2.5 "Fetching").
 */
export function choosePlatform<T extends { readonly platform?: Platform | undefined }>(
  entries: readonly T[],
  wanted: Platform,
): T | undefined {
  const { os, architecture, variant } = normalize(wanted);
  const limit = variantNumber(variant);
  const fitting = entries
    .filter((entry) => entry.platform !== undefined)
    .map((entry) => ({ entry, platform: normalize(entry.platform ?? { os: "", architecture: "" }) }))
    .filter(({ platform }) => platform.os === os && platform.architecture === architecture)
    .filter(({ platform }) => variantNumber(platform.variant) <= limit)
    .sort((left, right) => variantNumber(right.platform.variant) - variantNumber(left.platform.variant));
  return fitting[0]?.entry ?? entries.find((entry) => entry.platform?.os === "generic");
}

/** `v8` is 8; none is 0. A variant with another spelling fits nothing but itself. */
function variantNumber(variant: string | undefined): number {
  return Number(/^v(\d+)$/.exec(variant ?? "v0")?.[1] ?? Number.POSITIVE_INFINITY);
}

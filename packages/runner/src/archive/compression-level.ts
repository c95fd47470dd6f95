const levels = ["fastest", "fast", "default", "slow", "slowest"] as const;

/** `CACHE_COMPRESSION_LEVEL`, `ARTIFACT_COMPRESSION_LEVEL`. Rule: runner-protocol.md §3.7. */
export type CompressionLevel = (typeof levels)[number];

/** @param text the variable's value; what is no level counts as `default`. */
export function readCompressionLevel(text: string): CompressionLevel {
  return levels.find((level) => level === text.toLowerCase()) ?? "default";
}

/** Levels of deflate; 0 stores. */
export const deflateLevels = { fastest: 0, fast: 1, default: 5, slow: 7, slowest: 9 } as const;

/** Levels of zstd with a like place between speed and size. */
export const zstdLevels = { fastest: 1, fast: 2, default: 3, slow: 7, slowest: 11 } as const;

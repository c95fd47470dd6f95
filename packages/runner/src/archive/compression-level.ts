/** `CACHE_COMPRESSION_LEVEL`, `ARTIFACT_COMPRESSION_LEVEL`. Rule: runner-protocol.md §3.7. */
export type CompressionLevel = "fastest" | "fast" | "default" | "slow" | "slowest";

/** Levels of deflate; 0 stores. */
const deflateLevels = { fastest: 0, fast: 1, default: 5, slow: 7, slowest: 9 } as const;

/** @param text the variable's value; what is no level counts as `default`. */
export function deflateLevelOf(text: string): number {
  const level = text.toLowerCase();
  return Object.hasOwn(deflateLevels, level) ? deflateLevels[level as CompressionLevel] : deflateLevels.default;
}

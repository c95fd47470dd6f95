/** A duration for people, at most seven characters: `0ms` `87ms` `3.41s` `42.0s` `3m 07s` `2h 05m`. */
export function formatDuration(nanos: bigint): string {
  const ms = Number(nanos / 10_000n) / 100;
  if (ms < 0) return "0ms";
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`;
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)}s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import path from "node:path";
import picomatch from "picomatch";
import { globOptions, isGlob, splitGlob } from "./pattern.ts";

/** Paths below a directory that match a pattern of `toPatternInside`. Links are not followed. */
export async function findMatches(directory: string, pattern: string, signal: AbortSignal): Promise<string[]> {
  if (!isGlob(pattern)) return (await exists(path.join(directory, pattern))) ? [pattern] : [];
  const { base } = splitGlob(pattern);
  const matches = picomatch(pattern, globOptions);
  const found: string[] = [];
  if (base !== "" && matches(base)) found.push(base);
  for (const relative of await walk(directory, base === "" ? "." : base, signal)) {
    if (relative !== base && matches(relative)) found.push(relative);
  }
  return found;
}

/** A path and, when it is a directory, all below it; relative to `directory`. Links are not followed. */
export async function walk(directory: string, start: string, signal: AbortSignal): Promise<string[]> {
  const stats = await lstat(path.join(directory, start)).catch(() => undefined);
  if (stats === undefined) return [];
  const found = start === "." ? [] : [start];
  if (!stats.isDirectory()) return found;
  const pending = [start];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    signal.throwIfAborted();
    for (const entry of await entriesOf(path.join(directory, next))) {
      const relative = next === "." ? entry.name : `${next}/${entry.name}`;
      found.push(relative);
      if (entry.isDirectory()) pending.push(relative);
    }
  }
  return found;
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  // Unreadable or gone meanwhile: there is nothing in it for us.
  return readdir(directory, { withFileTypes: true }).catch(() => []);
}

async function exists(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined)) !== undefined;
}

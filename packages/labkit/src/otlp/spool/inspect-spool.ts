import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { EndpointSpec } from "../endpoint-spec.ts";
import { checkEndpointSpec } from "../endpoint-spec-check.ts";
import { spoolKeyOf } from "./endpoint-key.ts";
import { scanSegment, segmentSuffix } from "./segment.ts";
import { spoolName } from "./spool-folder.ts";
import { isAbandoned } from "./spool-owner.ts";

/** What one process keeps, or left, for one endpoint. */
export interface SpooledSpans {
  /** Names the endpoint: `spoolKeyOfSpec` of its spec gives the same. */
  readonly key: string;
  /** Whether the process that wrote it still runs; what a dead one left is sent by the next start. */
  readonly isInUse: boolean;
  readonly segments: number;
  readonly bytes: number;
  /** Spans that are not accepted yet. */
  readonly unsentSpans: number;
  /** Spans that have begun and not ended; of a dead process, the next start ends them. */
  readonly openSpans: number;
  /** When the oldest segment was last written, wall clock. */
  readonly oldestAtMs: number;
}

/**
 * Looks at what is in a spool directory without changing anything, also while it is in use.
 *
 * @returns empty when there is nothing, or no such directory. @throws the file system's error when it cannot be read.
 */
export async function inspectSpool(directory: string): Promise<SpooledSpans[]> {
  const found: SpooledSpans[] = [];
  for (const name of await namesIn(directory)) {
    if (!spoolName.test(name)) continue;
    const folder = join(directory, name);
    const isInUse = !(await isAbandoned(folder));
    for (const key of await namesIn(folder)) {
      const spans = await inspectSegments(join(folder, key));
      // Without the number that keeps endpoints of one key apart within a process.
      if (spans !== undefined) found.push({ key: key.replace(/-\d+$/, ""), isInUse, ...spans });
    }
  }
  return found;
}

/** The key of an endpoint's folder in the spool; undefined for a spec that is not usable. */
export function spoolKeyOfSpec(spec: EndpointSpec): string | undefined {
  const check = checkEndpointSpec(spec);
  return check.kind === "usable" ? spoolKeyOf(check.endpoint.name, spec.auth) : undefined;
}

async function inspectSegments(folder: string): Promise<Omit<SpooledSpans, "key" | "isInUse"> | undefined> {
  const files = (await namesIn(folder)).filter((name) => name.endsWith(segmentSuffix));
  if (files.length === 0) return undefined;
  const unsettled = new Map<bigint, { readonly isOpen: boolean }>();
  const settled = new Set<bigint>();
  let bytes = 0;
  let oldestAtMs = Number.POSITIVE_INFINITY;
  for (const file of files.sort()) {
    const content = await scanSegment(join(folder, file)).catch(ignoreMissing);
    if (content === undefined) continue;
    bytes += content.segment.bytes;
    oldestAtMs = Math.min(oldestAtMs, content.segment.modifiedAtMs);
    for (const span of content.spans) unsettled.set(span.id, span);
    for (const id of content.settledIds) settled.add(id);
  }
  const left = [...unsettled].filter(([id]) => !settled.has(id)).map(([, span]) => span);
  const openSpans = left.filter(({ isOpen }) => isOpen).length;
  return { segments: files.length, bytes, unsentSpans: left.length - openSpans, openSpans, oldestAtMs };
}

async function namesIn(directory: string): Promise<string[]> {
  const isDirectory = (await stat(directory).catch(ignoreMissing))?.isDirectory() === true;
  return isDirectory ? ((await readdir(directory).catch(ignoreMissing)) ?? []) : [];
}

/** Its process removes what is delivered at any moment. */
function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}

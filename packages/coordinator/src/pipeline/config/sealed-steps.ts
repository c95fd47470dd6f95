import type { PlainObject } from "./plain-object.ts";
import { Reference } from "./yaml-document.ts";

/*
 * What functions are given is data, and must arrive as it was written. The expansion flattens lists of lists and takes
 * texts that look like dates for dates; so a `run:` list travels through it as one text.
 */

const seal = "jobscope sealed steps ";

/** Seals the `run:` list of a job, unless the expansion has something to do in it: a reference, or inputs to fill in. */
export function sealSteps(keywords: PlainObject): PlainObject {
  const { run } = keywords;
  if (!Array.isArray(run) || hasReference(run)) return keywords;
  const json = JSON.stringify(run);
  return json.includes("$[[") ? keywords : { ...keywords, run: seal + json };
}

/** Undoes {@link sealSteps}, also where a `!reference` has put sealed steps among others. */
export function revealSteps(keywords: PlainObject): PlainObject {
  const { run } = keywords;
  if (typeof run === "string") return { ...keywords, run: opened(run) };
  return Array.isArray(run) ? { ...keywords, run: run.flatMap(opened) } : keywords;
}

function opened(value: unknown): unknown {
  return typeof value === "string" && value.startsWith(seal) ? JSON.parse(value.slice(seal.length)) : value;
}

function hasReference(value: unknown): boolean {
  if (value instanceof Reference) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasReference);
}

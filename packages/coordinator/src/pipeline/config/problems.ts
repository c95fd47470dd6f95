import type { z } from "zod";
import { explainIssue } from "./explain-issue.ts";

/** Collects what is wrong, so that a user reads all of it at once. */
export interface Problems {
  add(place: string, sentence: string): void;
  /** A keyword that is valid but not acted on; told once, with all jobs that use it. */
  ignored(keyword: string, jobName: string): void;
}

/** Applies a schema; what does not fit becomes one problem per issue and `undefined`. */
export function check<T>(schema: z.ZodType<T>, value: unknown, place: string, problems: Problems): T | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) problems.add(place, explainIssue(issue));
  return undefined;
}

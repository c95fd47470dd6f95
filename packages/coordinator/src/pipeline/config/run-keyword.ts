import { z } from "zod";
import { isPlainObject, type PlainObject } from "./plain-object.ts";
import type { Problems } from "./problems.ts";

/*
 * `run:`, a list of CI Functions. The functions engine of the runner knows all of it; here stands what a server says before
 * a pipeline exists. Rule: ci-functions.md §1.1, §1.2, §1.3.
 */

const name = z
  .string({ error: "expected a name" })
  .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, { error: "expected letters, digits and _, and no digit in front" });
const env = z.record(name, z.string({ error: "expected a text; put numbers and booleans in quotes" }), {
  error: "expected a mapping of names to texts",
});
const inputs = z.record(name, z.unknown(), { error: "expected a mapping of names to values" });
const reference = z.union([z.string().min(1), z.record(z.string(), z.unknown())], {
  error: "expected a reference: a text, or a mapping with git or oci",
});
const kinds = ["func", "step", "script"] as const;

const step = z
  .custom<PlainObject>(isPlainObject, { error: "expected a step: a mapping with name, and func or script" })
  .superRefine((value, context) => {
    const complain = (message: string, path: string[] = []) => context.addIssue({ code: "custom", message, path });
    if ("action" in value) return complain("action steps are not supported; call a function with func", ["action"]);
    const given = kinds.filter((kind) => value[kind] !== undefined);
    if (given.length !== 1) {
      return complain(`expected exactly one of func and script, found ${given.join(" and ") || "neither"}`);
    }
    const isScript = given[0] === "script";
    if (isScript && value["inputs"] !== undefined) complain("a script step takes no inputs", ["inputs"]);
    const known = new Set<string>(["name", "env", "inputs", ...kinds]);
    for (const key of Object.keys(value)) if (!known.has(key)) complain(`unknown keyword "${key}"`);
  })
  .pipe(
    z.looseObject({
      name,
      func: reference.optional(),
      step: reference.optional(),
      script: z
        .string({ error: "expected one text" })
        .min(1, { error: "expected a text that is not empty" })
        .optional(),
      inputs: inputs.optional(),
      env: env.optional(),
    }),
  );

/** The list as it is: what passes goes to the runner unchanged. */
export const runSchema: z.ZodType<readonly unknown[]> = z.array(step, { error: "expected a list of steps" });

const scriptKeywords = ["script", "before_script", "after_script"];

/** A job runs functions or scripts, not both. */
export function refuseScriptBesideRun(own: PlainObject, place: string, problems: Problems): void {
  if (own["run"] == null) return;
  const found = scriptKeywords.filter((keyword) => own[keyword] != null);
  if (found.length > 0)
    problems.add(place, `"run" cannot be used together with ${found.map((k) => `"${k}"`).join(", ")}`);
}

/** What `default:` says of scripts does not reach a job without one. */
export function isForRunJob(keyword: string, own: PlainObject): boolean {
  return own["run"] == null || !scriptKeywords.includes(keyword);
}

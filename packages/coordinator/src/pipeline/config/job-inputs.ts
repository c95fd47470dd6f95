import { RE2JS } from "re2js";
import { z } from "zod";

/** One entry of a job's `inputs:`. */
export interface JobInputDefinition {
  readonly type: "string" | "number" | "boolean" | "array";
  readonly default?: unknown;
  readonly options?: readonly unknown[];
  readonly regex?: string;
}

const entry = z.strictObject({
  type: z.enum(["string", "number", "boolean", "array"]).default("string"),
  default: z.unknown().optional(),
  options: z.array(z.unknown()).optional(),
  regex: z.string().optional(),
  description: z.string().optional(),
});

/** A job's `inputs:` (GitLab's documentation "Job inputs"): each has a default, which must be valid itself. */
export const jobInputsSchema = z
  .record(z.string().regex(/^[A-Za-z_][\w-]*$/, { error: "expected letters, digits, _ and -" }), entry, {
    error: "expected a mapping of names to inputs",
  })
  .transform((inputs, context) => {
    const definitions = new Map<string, JobInputDefinition>();
    for (const [name, { description: _, options, regex, ...rest }] of Object.entries(inputs)) {
      const definition: JobInputDefinition = {
        ...rest,
        ...(options === undefined ? {} : { options }),
        ...(regex === undefined ? {} : { regex }),
      };
      const problem = rest.default === undefined ? "has no default" : problemWith(definition, rest.default);
      if (problem !== undefined)
        context.addIssue({
          code: "custom",
          message: `the default ${problem}`.replace("the default has", "it has"),
          path: [name],
        });
      definitions.set(name, definition);
    }
    return definitions;
  });

/** What is wrong with a value for an input; `undefined` when nothing is. */
export function problemWith({ type, options, regex }: JobInputDefinition, value: unknown): string | undefined {
  const found = Array.isArray(value) ? "array" : typeof value;
  if (found !== type) return `is not of type ${type}`;
  if (options !== undefined && !options.includes(value)) return `is not one of ${options.map(String).join(", ")}`;
  if (regex === undefined || type !== "string") return undefined;
  return matches(regex, String(value)) ? undefined : `does not match ${regex}`;
}

function matches(pattern: string, value: string): boolean {
  try {
    return RE2JS.compile(pattern).matcher(value).find();
  } catch {
    return false;
  }
}

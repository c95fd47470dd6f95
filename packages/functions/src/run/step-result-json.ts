import { open } from "node:fs/promises";
import type { FunctionFile, StepDefinition, ValueDeclaration } from "../definition/function-file.ts";
import type { FunctionReference } from "../definition/reference.ts";
import type { JsonValue } from "../expression/json-value.ts";
import type { StepResult } from "./step-result.ts";

type JsonObject = { readonly [key: string]: JsonValue };

/**
 * The result tree in the form of `step-results.json`: the protobuf mapping, camel case, zero values left out
 * (ci-functions.md §6). It holds secrets: environment, inputs, outputs.
 */
export function stepResultToJson(result: StepResult): JsonObject {
  return present({
    step: present({
      name: result.name,
      step: result.reference && referenceToJson(result.reference),
      inputs: result.inputs,
      env: result.name === "" ? {} : result.callEnv,
    }),
    specDefinition: result.definition && definitionToJson(result.definition),
    status: result.status,
    outputs: result.outputs,
    exports: result.exports,
    env: result.env,
    execResult: result.exec && present({ ...result.exec, command: [...result.exec.command] }),
    subStepResults: result.steps?.map(stepResultToJson),
  });
}

/** Writes {@link stepResultToJson} to a file, mode 0640; upstream calls it `step-results.json` in the job's directory. */
export async function writeStepResults(result: StepResult, path: string): Promise<void> {
  const file = await open(path, "w", 0o640);
  await using _ = file;
  await file.writeFile(`${JSON.stringify(stepResultToJson(result))}\n`);
}

/** Leaves out what has its zero value; `step` of the root stays as `{}`. */
function present(fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const kept = Object.entries(fields).filter(
    ([key, value]) => value !== undefined && (key === "step" || !isZero(value)),
  );
  return Object.fromEntries(kept) as JsonObject; // undefined was filtered out
}

function isZero(value: JsonValue): boolean {
  if (value === null || typeof value !== "object") return !value;
  return Object.keys(value).length === 0;
}

function referenceToJson(reference: FunctionReference): JsonObject {
  switch (reference.kind) {
    case "path":
      return present({
        protocol: "local",
        path: pathList(reference.directory),
        filename: reference.file ?? "func.yml",
      });
    case "git":
      return present({
        protocol: "git",
        url: reference.url.replace(/^(https?:\/\/)[^/]*@/i, "$1"),
        path: pathList(reference.directory),
        filename: reference.file ?? "func.yml",
        version: reference.revision,
      });
    case "oci":
      return present({
        protocol: "oci",
        registry: reference.registry,
        repository: reference.repository,
        tag: reference.version,
        path: pathList(reference.directory),
        filename: reference.file ?? "func.yml",
      });
    case "builtin":
      return { protocol: "dist", path: reference.name.split("/") };
    case "script":
      return { protocol: "dist", path: ["script"] };
    case "dynamic":
      return { protocol: "dynamic", pathExp: reference.template };
    case "expanded":
      return { protocol: reference.protocol, ...Object.fromEntries(reference.fields) };
  }
}

function pathList(directory: string): string[] {
  const segments = directory.split("/").filter(Boolean);
  return directory.startsWith("/") ? ["/", ...segments] : segments;
}

/** Spec and definition as loaded, not evaluated. */
function definitionToJson(file: FunctionFile): JsonObject {
  const { spec, definition } = file;
  const outputs = spec.outputs === "delegate" ? "delegate" : declarationsToJson(spec.outputs);
  const own: JsonObject =
    definition.form === "exec"
      ? present({ exec: present({ command: [...definition.command], workDir: definition.workDir }) })
      : present({
          steps: definition.steps.map(stepToJson),
          outputs: Object.fromEntries(definition.outputs),
          delegate: definition.delegate,
        });
  return {
    spec: { spec: present({ inputs: declarationsToJson(spec.inputs), outputs }) },
    definition: present({ type: definition.form, ...own, env: Object.fromEntries(definition.env) }),
  };
}

function declarationsToJson(declarations: ReadonlyMap<string, ValueDeclaration>): JsonObject {
  return Object.fromEntries(
    [...declarations].map(([name, { type, default: fallback, sensitive }]) => [
      name,
      // a default of 0 or "" is a default
      { ...present({ type, sensitive }), ...(fallback === undefined ? {} : { default: fallback }) },
    ]),
  );
}

function stepToJson(step: StepDefinition): JsonObject {
  return present({
    name: step.name,
    step: referenceToJson(step.reference),
    inputs: Object.fromEntries(step.inputs),
    env: Object.fromEntries(step.env),
  });
}

import type { ExecDefinition, FunctionSpec, RunDefinition } from "./function-file.ts";
import { readEnv, readSteps, readValues } from "./read-steps.ts";
import type { DefinitionReader, Field } from "./yaml-reader.ts";

/** Reads the second document of a definition file: exactly one of the two forms (ci-functions.md §3.3). */
export function readDefinition(
  reader: DefinitionReader,
  root: Field,
  spec: FunctionSpec,
): ExecDefinition | RunDefinition | undefined {
  const fields = reader.map(root);
  if (fields === undefined) return undefined;
  const exec = fields.get("exec");
  const run = fields.get("run");
  if (exec !== undefined && run !== undefined) return reader.report(root, 'only one of "exec" and "run" may be given');
  if (exec !== undefined) return readExec(reader, root, exec);
  if (run !== undefined) return readRun(reader, root, run, spec);
  const hint = fields.has("spec") ? '; "spec" belongs into the first document' : "";
  return reader.report(root, `one of "exec" and "run" must be given${hint}`);
}

function readExec(reader: DefinitionReader, root: Field, exec: Field): ExecDefinition | undefined {
  const env = reader.map(root, ["exec", "env"])?.get("env");
  const fields = reader.map(exec, ["command", "work_dir"]);
  if (fields === undefined) return undefined;
  const workDir = fields.get("work_dir");
  const command = readCommand(reader, exec, fields.get("command"));
  return (
    command && {
      form: "exec",
      command,
      workDir: workDir === undefined ? undefined : reader.string(workDir),
      env: readEnv(reader, env),
    }
  );
}

function readCommand(
  reader: DefinitionReader,
  exec: Field,
  field: Field | undefined,
): [string, ...string[]] | undefined {
  if (field === undefined) return reader.report(exec, "command is missing, expected a list of strings");
  const items = reader.list(field)?.map((item) => reader.string(item));
  const [program, ...rest] = items ?? [];
  if (items?.length === 0) return reader.report(field, "must have at least one item, the program");
  if (program === undefined || !rest.every((item) => item !== undefined)) return undefined;
  return [program, ...rest];
}

function readRun(reader: DefinitionReader, root: Field, run: Field, spec: FunctionSpec): RunDefinition | undefined {
  const fields = reader.map(root, ["run", "env", "outputs", "delegate"]);
  if (fields === undefined) return undefined;
  const delegate = fields.get("delegate");
  if (spec.outputs === "delegate" && delegate === undefined) {
    reader.report(root, 'delegate is missing: the spec says "outputs: delegate", so name the step that gives them');
  }
  return {
    form: "run",
    steps: readSteps(reader, run),
    env: readEnv(reader, fields.get("env")),
    outputs: readValues(reader, fields.get("outputs")),
    delegate: delegate === undefined ? undefined : reader.string(delegate),
  };
}

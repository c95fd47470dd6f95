import { once } from "node:events";
import { join } from "node:path";
import type { WriteStream } from "node:tty";
import {
  createFunctionSources,
  type FunctionError,
  runFunction,
  type StepResult,
  type StepsOutcome,
  stepResultToJson,
} from "@jobscope/functions";
import { createLogMasker } from "@jobscope/labkit";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";
import { watchInterrupts } from "../interrupts.ts";
import { baseDirectory, type Environment } from "../process-environment.ts";

/** The command line of `jobscope function run`. */
export interface FunctionRunFlags {
  readonly input?: readonly string[];
  readonly env?: readonly string[];
  readonly variable?: readonly string[];
  readonly json?: boolean;
}

/** `jobscope function run`. @returns 1 when the function failed, 2 when it could not be started. */
export async function runOneFunction(
  reference: string,
  flags: FunctionRunFlags,
  context: CommandContext,
): Promise<ExitCode> {
  using interrupts = watchInterrupts();
  const log = maskedLog(flags.json === true ? context.stderr : context.stdout);
  const outcome = await runFunction({
    reference,
    inputs: (flags.input ?? []).map(checkedInput),
    workDir: context.workingDirectory,
    env: { ...workstationEnvironment(context.environment), ...pairs("--env", flags.env) },
    jobVariables: Object.entries(pairs("--variable", flags.variable)).map(([key, value]) => ({ key, value })),
    sources: createFunctionSources({
      cacheDir: join(baseDirectory(context.environment, "cache"), "jobscope", "functions"),
    }),
    log,
    signal: interrupts.polite,
    onSensitiveText: log.mask,
  });
  log.end();
  for (const warning of outcome.warnings) context.stderr.write(`jobscope: ${warning}\n`);
  if (flags.json === true) context.stdout.write(`${JSON.stringify(stepResultToJson(outcome.result), undefined, 2)}\n`);
  else printOutputs(outcome, context);
  if (outcome.error === undefined) return 0;
  context.stderr.write(`${context.errorPalette.failed("jobscope:")} ${describe(outcome.error)}\n`);
  return hasStarted(outcome) ? 1 : 2;
}

/** Texts that turn out to be sensitive are masked from then on, as in a job's log (ci-functions.md §4.4). */
function maskedLog(stream: WriteStream) {
  const phrases = new Set<string>();
  let masker = createLogMasker({ phrases: [] });
  const end = (): void => void stream.write(masker.end());
  return {
    async write(chunk: Uint8Array): Promise<void> {
      // What a slow terminal has not taken is not piled up here. One that went away takes nothing any more.
      if (!stream.write(masker.write(chunk)) && stream.writable)
        await Promise.race([once(stream, "drain"), once(stream, "close")]);
    },
    mask(text: string): void {
      if (phrases.has(text)) return;
      phrases.add(text);
      end();
      masker = createLogMasker({ phrases: [...phrases] });
    },
    end,
  };
}

/** What the function gave, one a line; what it declares sensitive is not shown. */
function printOutputs({ result, status }: StepsOutcome, { stdout, palette }: CommandContext): void {
  const [step] = result.steps ?? [];
  if (step === undefined || status !== "success") return;
  const sensitive = sensitiveOutputs(step);
  for (const [name, value] of Object.entries(step.outputs)) {
    const shown = sensitive.has(name) ? "[MASKED]" : JSON.stringify(value);
    stdout.write(`${palette.bold(name)} = ${shown}\n`);
  }
}

/** Of a function that hands on another's outputs as its own, all: whose they are is not known here. */
function sensitiveOutputs({ definition, outputs }: StepResult): ReadonlySet<string> {
  const declared = definition?.spec.outputs;
  if (declared === "delegate") return new Set(Object.keys(outputs));
  return new Set([...(declared ?? [])].filter(([, { sensitive }]) => sensitive).map(([name]) => name));
}

function describe({ message, place }: FunctionError): string {
  return place?.excerpt === undefined ? message : `${message}\n${place.excerpt}`;
}

/** A function that is not there, or not as it must be, is the command line's fault; what happens inside is its own. */
function hasStarted({ error, result, status }: StepsOutcome): boolean {
  if (status === "cancelled") return true;
  return (
    (result.steps?.[0]?.definition !== undefined && error?.code !== "invalid_input") || error?.code === "command_failed"
  );
}

/** Rule: ci-functions.md §8.2, "`run` on a workstation". */
function workstationEnvironment(environment: Environment): Record<string, string> {
  const kept = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^(?:CI_|GITLAB_|FF_|DOCKER_ENV_)/.test(entry[0]),
  );
  return Object.fromEntries(kept);
}

function checkedInput(text: string): string {
  if (text.indexOf("=") <= 0) throw new CommandError("--input: expected NAME=VALUE");
  return text;
}

/** @throws {CommandError} names the flag and never a value. */
function pairs(flag: string, texts: readonly string[] = []): Record<string, string> {
  const entries = texts.map((text): [string, string] => {
    const equals = text.indexOf("=");
    if (equals <= 0) throw new CommandError(`${flag}: expected KEY=VALUE`);
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
  return Object.fromEntries(entries);
}

import { type CheckStep, checkEndpoint, checkEndpointSpec, type EndpointSpec } from "@jobscope/labkit";
import { payloadEndpoint, type TelemetryConfig } from "@jobscope/runner";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";
import { watchInterrupts } from "../interrupts.ts";
import { stateSymbol } from "../view/palette.ts";
import { readRunnerConfig } from "./read-runner-config.ts";

/** The command line of `jobscope telemetry check`. */
export interface TelemetryCheckFlags {
  readonly config: string;
  readonly gcpAudience?: string;
  readonly json?: boolean;
}

/** An endpoint, and who names it. */
interface Subject {
  readonly url: string;
  readonly origin: "configuration" | "payload";
  /** What would be used; else why not. */
  readonly spec: EndpointSpec | string;
}

/**
 * `jobscope telemetry check`. @returns 1 when an endpoint does not work.
 *
 * @throws {CommandError} when there is none to check. @throws {ConfigError}
 */
export async function checkTelemetry(
  urls: readonly string[],
  flags: TelemetryCheckFlags,
  context: CommandContext,
): Promise<ExitCode> {
  using interrupts = watchInterrupts();
  const { telemetry, warnings } = await readRunnerConfig(flags.config, context);
  for (const warning of warnings) context.stderr.write(`jobscope: ${warning}\n`);
  const subjects = subjectsOf(urls, flags, telemetry);
  const found: { url: string; origin: Subject["origin"]; steps: readonly CheckStep[] }[] = [];
  for (const subject of subjects) {
    if (flags.json !== true) context.stdout.write(heading(subject, context));
    const steps: CheckStep[] = [];
    for await (const step of stepsOf(subject, { signal: interrupts.polite, env: context.environment })) {
      steps.push(step);
      if (flags.json !== true) context.stdout.write(stepLines(step, context));
    }
    found.push({ url: subject.url, origin: subject.origin, steps });
    if (interrupts.polite.aborted) return 130;
  }
  if (flags.json === true) context.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
  return found.some(({ steps }) => steps.some(({ kind }) => kind === "failed")) ? 1 : 0;
}

function subjectsOf(urls: readonly string[], flags: TelemetryCheckFlags, telemetry: TelemetryConfig): Subject[] {
  const { policy } = telemetry;
  const configured = policy.staticEndpoints.map((spec): Subject => ({ url: spec.url, origin: "configuration", spec }));
  if (urls.length === 0 && flags.gcpAudience !== undefined) {
    throw new CommandError("--gcp-audience: needs the URL of the endpoint that a payload would name");
  }
  if (urls.length === 0 && configured.length === 0) {
    throw new CommandError(`no telemetry endpoint is configured in ${flags.config} or the environment`, {
      hint: "One that job payloads name can be checked by its URL: jobscope telemetry check URL",
    });
  }
  if (urls.length === 0) return configured;
  return urls.flatMap((url) => {
    const own = flags.gcpAudience === undefined ? configured.filter((subject) => subject.url === url) : [];
    if (own.length > 0) return own;
    const judged = payloadEndpoint(telemetry, { url, audience: flags.gcpAudience });
    return [{ url, origin: "payload" as const, spec: judged.kind === "used" ? judged.spec : judged.why }];
  });
}

async function* stepsOf(
  { spec }: Subject,
  options: Parameters<typeof checkEndpoint>[1],
): AsyncGenerator<CheckStep, void> {
  if (typeof spec !== "string") return yield* checkEndpoint(spec, options);
  const advice = "Add its host to payload_endpoints.allowed_hosts if it is to be trusted, or correct the URL.";
  yield { kind: "failed", name: "specification", message: spec, advice, facts: {} };
}

function heading({ url, origin, spec }: Subject, { palette }: CommandContext): string {
  const check = checkEndpointSpec({ url });
  // What is no URL may hold anything.
  const name = check.kind === "usable" ? check.endpoint.name : "an endpoint";
  const notes = [
    ...(origin === "payload" ? ["as a payload's"] : []),
    ...(typeof spec === "string" || spec.proxyUrl === undefined
      ? []
      : [`through the proxy ${new URL(spec.proxyUrl).host}`]),
  ];
  return `${palette.bold(name)}${notes.length === 0 ? "" : palette.dim(` ${notes.join(", ")}`)}\n`;
}

function stepLines(step: CheckStep, { palette }: CommandContext): string {
  const state = step.kind === "ok" ? "success" : "failed";
  const lines = [`  ${palette.state(state, stateSymbol(state))} ${step.name.padEnd(13)} ${step.message}`];
  for (const [name, value] of Object.entries(step.facts)) lines.push(palette.dim(`${" ".repeat(18)}${name}: ${value}`));
  if (step.kind === "failed") lines.push(`${" ".repeat(18)}${step.advice}`);
  return `${lines.join("\n")}\n`;
}

import {
  type CommandIo,
  checkCaches,
  checkHealth,
  lintConfig,
  listRunners,
  type RegisterOptions,
  registerRunner,
  resetTokens,
  runSingle,
  unregisterRunners,
  verifyRunners,
} from "@jobscope/runner";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";
import { watchInterrupts } from "../interrupts.ts";
import { createRunnerLog } from "../runner-log.ts";

/** Flags as commander gives them: all text, or `true` for a flag without a value. */
type Flags = Readonly<Record<string, string | true | readonly string[] | undefined>>;

/** `jobscope register`. */
export async function register(
  flags: Flags,
  settingArgs: readonly string[],
  context: CommandContext,
): Promise<ExitCode> {
  const options: RegisterOptions = {
    configFile: text(flags["config"]) ?? context.defaultRunnerConfig,
    nonInteractive: flags["nonInteractive"] !== undefined,
    url: text(flags["url"]),
    runnerToken: text(flags["token"]),
    registrationToken: text(flags["registrationToken"]),
    name: text(flags["description"]),
    executor: text(flags["executor"]),
    leaveRunner: flags["leaveRunner"] !== undefined,
    templateFile: text(flags["templateConfig"]),
    settings: settingsOf(flags),
    settingArgs,
    serverSide: {
      tagList: text(flags["tagList"]),
      runUntagged: yesNo("--run-untagged", flags["runUntagged"]),
      locked: yesNo("--locked", flags["locked"]),
      accessLevel: text(flags["accessLevel"]) as RegisterOptions["serverSide"]["accessLevel"],
      maximumTimeoutS: wholeNumber("--maximum-timeout", flags["maximumTimeout"]),
      paused: yesNo("--paused", flags["paused"]),
      maintenanceNote: text(flags["maintenanceNote"]),
    },
  };
  return await withIo(context, async (io) => {
    await registerRunner(options, io);
    return true;
  });
}

/** `jobscope run-single`. */
export async function runOne(
  flags: Flags,
  settingArgs: readonly string[],
  context: CommandContext,
  { isDebug }: { isDebug: boolean },
): Promise<ExitCode> {
  const log = createRunnerLog({ flags, context, isDebug }).log;
  const from = text(flags["runner"]);
  const given = {
    name: text(flags["description"]),
    url: text(flags["url"]),
    token: text(flags["token"]),
    executor: text(flags["executor"]),
  };
  if (from === undefined) {
    const missing = (["url", "token"] as const).filter((name) => given[name] === undefined);
    if (missing.length > 0) throw new CommandError(`missing: ${missing.map((name) => `--${name}`).join(", ")}`);
  }
  const defaults = from === undefined ? { name: "run-single", executor: "shell" } : {};
  const options = {
    runner: { ...defaults, ...definedOnly(given), ...settingsOf(flags) },
    settingArgs,
    ...(from === undefined ? {} : { from: { configFile: configFile(flags, context), name: from } }),
    maxBuilds: wholeNumber("--max-builds", flags["maxBuilds"]) ?? 0,
    waitTimeoutS: wholeNumber("--wait-timeout", flags["waitTimeout"]) ?? 0,
  };
  return await runSingle(options, { log, signals: process, environment: context.environment });
}

/** `jobscope health-check`. */
export async function healthCheck(
  addresses: readonly string[],
  flags: Flags,
  context: CommandContext,
): Promise<ExitCode> {
  const timeoutMs = (wholeNumber("--timeout", flags["timeout"]) ?? 300) * 1000;
  return await withIo(context, async (io) => {
    await checkHealth({ timeoutMs, ...(addresses.length === 0 ? {} : { addresses }) }, io);
    return true;
  });
}

/** `jobscope cache check`. */
export async function cacheCheck(flags: Flags, context: CommandContext): Promise<ExitCode> {
  const options = { configFile: configFile(flags, context), ...selector(flags) };
  return await withIo(context, (io) => checkCaches(options, io));
}

/** `jobscope lint`. */
export async function lint(flags: Flags, context: CommandContext): Promise<ExitCode> {
  return await withIo(context, (io) => lintConfig(configFile(flags, context), io));
}

/** `jobscope list`. */
export async function list(flags: Flags, context: CommandContext): Promise<ExitCode> {
  const showsTokens = flags["showTokens"] === true;
  return await withIo(context, async (io) => {
    await listRunners({ configFile: configFile(flags, context), showsTokens }, io);
    return true;
  });
}

/** `jobscope verify`. */
export async function verify(flags: Flags, context: CommandContext): Promise<ExitCode> {
  const options = { configFile: configFile(flags, context), ...selector(flags), deletes: flags["delete"] === true };
  return await withIo(context, (io) => verifyRunners(options, io));
}

/** `jobscope unregister`. */
export async function unregister(flags: Flags, context: CommandContext): Promise<ExitCode> {
  const allRunners = flags["allRunners"] === true;
  return await withIo(context, (io) =>
    unregisterRunners({ configFile: configFile(flags, context), ...selector(flags), allRunners }, io),
  );
}

/** `jobscope reset-token`. */
export async function resetToken(flags: Flags, context: CommandContext): Promise<ExitCode> {
  const options = {
    configFile: configFile(flags, context),
    name: text(flags["name"]),
    url: text(flags["url"]),
    runnerId: wholeNumber("--id", flags["id"]),
    personalAccessToken: text(flags["pat"]),
    allRunners: flags["allRunners"] === true,
  };
  return await withIo(context, (io) => resetTokens(options, io));
}

async function withIo(context: CommandContext, work: (io: CommandIo) => Promise<boolean>): Promise<ExitCode> {
  using interrupts = watchInterrupts();
  const { stdin, stdout, stderr, environment } = context;
  return (await work({ stdin, stdout, stderr, environment, signal: interrupts.polite })) ? 0 : 1;
}

function configFile(flags: Flags, context: CommandContext): string {
  return text(flags["config"]) ?? context.defaultRunnerConfig;
}

function selector(flags: Flags): {
  name: string | undefined;
  url: string | undefined;
  runnerToken: string | undefined;
} {
  return { name: text(flags["name"]), url: text(flags["url"]), runnerToken: text(flags["token"]) };
}

/** Flags → keys of a `[[runners]]` table, as the file spells them; only those that were given. */
function settingsOf(flags: Flags): Record<string, unknown> {
  const settings = {
    shell: text(flags["shell"]),
    limit: wholeNumber("--limit", flags["limit"]),
    request_concurrency: wholeNumber("--request-concurrency", flags["requestConcurrency"]),
    builds_dir: text(flags["buildsDir"]),
    cache_dir: text(flags["cacheDir"]),
    environment: flags["env"],
  };
  return definedOnly(settings);
}

function definedOnly(table: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined));
}

function text(value: Flags[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function wholeNumber(flag: string, value: Flags[string]): number | undefined {
  if (typeof value !== "string") return undefined;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new CommandError(`${flag}: "${value}" is no whole number`);
}

/** `--paused`, `--paused=true`, `--paused=false`, or not given. */
function yesNo(flag: string, value: Flags[string]): boolean | undefined {
  switch (value) {
    case undefined:
      return undefined;
    case true:
    case "true":
    case "1":
      return true;
    case "false":
    case "0":
      return false;
    default:
      throw new CommandError(`${flag}: "${String(value)}" is neither true nor false`);
  }
}

import { access } from "node:fs/promises";
import path from "node:path";
import { addRunner } from "../config/config-text.ts";
import { parseToml, readConfigText } from "../config/load-config.ts";
import { parseConfig } from "../config/parse-config.ts";
import { writeConfigFile } from "../config/write-config-file.ts";
import { describeRunner } from "../coordinator-client/describe-runner.ts";
import type { RegistrationClient, RunnerCredentials } from "../coordinator-client/registration.ts";
import { CommandError, type CommandIo, warnTo, writeLine } from "./command-io.ts";
import { connectRunner } from "./connect-runner.ts";
import { editConfig } from "./edit-config.ts";
import type { RegisterOptions } from "./register-options.ts";
import { askForMissing, type RegisterAnswers } from "./register-questions.ts";
import { readRunnerTemplate } from "./runner-template.ts";
import { mergeTables, readSettings, type Table, tableOf } from "./setting-flags.ts";
import { tokenKeys } from "./token-keys.ts";

/**
 * Adds a runner to a configuration file: verifies an authentication token, or trades a registration token for one.
 *
 * Rule: runner-protocol.md §6.8 and §1.6. @throws {ConfigError} @throws {CommandError} @throws {CoordinatorError}
 */
export async function registerRunner(options: RegisterOptions, io: CommandIo): Promise<void> {
  const file = path.resolve(options.configFile);
  await createIfMissing(file, io);
  const template = options.templateFile === undefined ? {} : await readRunnerTemplate(options.templateFile);
  checkServerSide(options);
  const { settingArgs = [] } = options;
  const settingsFor = (executor: string | undefined) =>
    mergeTables(template, readSettings({ args: settingArgs, environment: io.environment, executor }));
  // A flag that is none is told of before anything is asked.
  settingsFor(undefined);
  const hasImage = (executor: string) => "image" in tableOf(settingsFor(executor), "docker");
  const answers = await askForMissing({ ...options, template, hasImage }, io);

  const { name, url, executor, image } = answers;
  const draft = withExecutorTable({ ...settingsFor(executor), ...options.settings, name, url, executor }, image, io);
  // Everything is checked before the coordinator hears of it; the token is a stand-in that fits.
  const checked = parseConfig({ runners: [{ ...draft, token: "unknown yet" }] }, { file, environment: io.environment });
  const [runner] = checked.runners;
  if (runner === undefined) throw new CommandError(1, "no runner was made of the answers");

  await using client = connectRunner(checked, runner, io);
  const { credentials, isFresh } = await obtainCredentials(client, options, answers, describeRunner(runner), io);
  try {
    const table = { ...draft, id: credentials.runnerId, ...tokenKeys(credentials) };
    await editConfig(file, (text) => addRunner(text, table), warnTo(io));
  } catch (error) {
    if (isFresh && options.leaveRunner !== true) await client.unregister(credentials.runnerToken);
    throw error;
  }
  writeLine(
    io.stdout,
    `Runner registered successfully. It is in ${file}; a running "jobscope run" takes it up by itself.`,
  );
}

/** A new runner has the table of its own executor only; Docker's gets GitLab's default volume. */
function withExecutorTable(
  draft: Readonly<Record<string, unknown>> & { readonly executor: string },
  image: string | undefined,
  { stderr }: CommandIo,
): Table {
  const kept: Record<string, unknown> = { ...draft };
  for (const name of ["docker", "custom"]) {
    if (name === draft.executor || kept[name] === undefined) continue;
    delete kept[name];
    writeLine(stderr, `WARNING: settings of the ${name} executor are left out: the runner has ${draft.executor}`);
  }
  if (draft.executor !== "docker") return kept;
  const docker = { volumes: ["/cache"], ...tableOf(kept, "docker"), ...(image === undefined ? {} : { image }) };
  return { ...kept, docker };
}

async function createIfMissing(file: string, io: CommandIo): Promise<void> {
  try {
    await access(file);
  } catch {
    await writeConfigFile(file, "concurrent = 1\ncheck_interval = 0\n");
  }
  // A file that cannot be used is told of before anything is asked.
  parseConfig(parseToml(await readConfigText(file), file), { file, environment: io.environment });
}

function checkServerSide({ runnerToken, serverSide }: RegisterOptions): void {
  const given = Object.entries(serverSide).filter(([, value]) => value !== undefined);
  const flags = given.map(
    ([key]) => `--${key.replace(/S$/, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  );
  if (runnerToken?.startsWith("glrt-") !== true || given.length === 0) return;
  throw new CommandError(
    2,
    `with an authentication token these are set at the coordinator, not here: ${flags.join(", ")}`,
  );
}

async function obtainCredentials(
  client: RegistrationClient,
  options: RegisterOptions,
  answers: RegisterAnswers,
  info: ReturnType<typeof describeRunner>,
  io: CommandIo,
): Promise<{ readonly credentials: RunnerCredentials; readonly isFresh: boolean }> {
  const { secret } = answers;
  const isAuthentication = secret.startsWith("glrt-");
  if (options.registrationToken === undefined || isAuthentication) {
    if (options.registrationToken !== undefined && Object.values(options.serverSide).some((one) => one !== undefined)) {
      writeLine(io.stderr, "WARNING: an authentication token was given: tags and the like are set at the coordinator");
    }
    return { credentials: await verifyToken(client, secret, info), isFresh: false };
  }
  const { serverSide } = options;
  const credentials = await client.register({
    registrationToken: secret,
    description: answers.name,
    maintenanceNote: serverSide.maintenanceNote ?? "",
    tagList: serverSide.tagList ?? "",
    runUntagged: (serverSide.tagList ?? "") === "" ? true : (serverSide.runUntagged ?? false),
    locked: serverSide.locked ?? true,
    accessLevel: serverSide.accessLevel ?? "",
    maximumTimeoutS: serverSide.maximumTimeoutS ?? 0,
    paused: serverSide.paused ?? false,
  });
  return { credentials, isFresh: true };
}

async function verifyToken(
  client: RegistrationClient,
  runnerToken: string,
  info: ReturnType<typeof describeRunner>,
): Promise<RunnerCredentials> {
  const outcome = await client.verify(runnerToken, info);
  if (outcome.kind === "invalid") throw new CommandError(1, `${client.url} does not know this runner token`);
  if (outcome.kind === "unknown") {
    throw new CommandError(1, `the runner token could not be verified: ${outcome.why.message}`, { cause: outcome.why });
  }
  if (runnerToken.startsWith("glrt-") && outcome.credentials.runnerId === 0) {
    throw new CommandError(1, `${client.url} verified the runner token but named no runner id`);
  }
  return { ...outcome.credentials, runnerToken };
}

import { constants } from "node:os";
import { type ProcessCommand, type ProcessExit, type ProcessHost, ProcessStartError } from "../run/process-host.ts";
import { normalize } from "../source/oci/platform.ts";
import { commandText, variableName } from "./command-text.ts";
import { createContainerFiles } from "./container-files.ts";
import type { ContainerProcessesOptions } from "./container-options.ts";
import { ContainerShell, type Reply } from "./container-shell.ts";
import { Ending } from "./ending.ts";
import { word, words } from "./shell-text.ts";

/**
 * Runs commands in a container, each in a session and process group of its own, through one shell that stays there. Files
 * are read and written through the same shell. Linux containers; `/proc` must be mounted.
 *
 * One command at a time; dispose it when the job is over. What commands left in the background ends with the container.
 *
 * @throws {FunctionError} when the shell cannot be started, or ends at once.
 */
export async function createContainerProcesses(options: ContainerProcessesOptions): Promise<ProcessHost> {
  const { start, busybox } = options;
  await using starting = new AsyncDisposableStack();
  const shell = starting.use(await ContainerShell.start(start, busybox));
  const foreign = await describeContainer(shell, busybox);
  starting.move();
  const enginePath = foreign.environment["PATH"] ?? "";

  return {
    files: createContainerFiles(shell, options),
    foreign,
    run: (command) => runInContainer(shell, options, command, enginePath),
    async findProgram(candidates, path = "") {
      const directories = word(`${path}:${enginePath}`);
      const text = `for c in ${words(candidates)}; do if program "$c" ${directories}; then reply found "$P"; break; fi; done`;
      const { values } = await shell.request(text);
      return values.get("found");
    },
    async [Symbol.asyncDispose]() {
      shell[Symbol.dispose]();
    },
  };
}

async function describeContainer(shell: ContainerShell, busybox: string): Promise<NonNullable<ProcessHost["foreign"]>> {
  const { values, lines } = await shell.request('reply machine "$("$B" uname -m)"; "$B" base64 </proc/$$/environ >&3');
  const variables = Buffer.from(lines.join(""), "base64").toString().split("\0").filter(Boolean);
  const environment = Object.fromEntries(
    variables.map((variable) => {
      const equals = variable.indexOf("=");
      return [variable.slice(0, equals), variable.slice(equals + 1)];
    }),
  );
  // of its own it must export nothing to commands
  await shell.request(
    `unset SHLVL PWD OLDPWD ${Object.keys(environment)
      .filter((name) => variableName.test(name))
      .join(" ")}`,
  );
  const platform = normalize({ os: "linux", architecture: values.get("machine") ?? "" });
  return { environment, platform, shell: [busybox, "sh"] };
}

async function runInContainer(
  shell: ContainerShell,
  options: ContainerProcessesOptions,
  command: ProcessCommand,
  enginePath: string,
): Promise<ProcessExit> {
  refuseTooLong(command);
  const started = Promise.withResolvers<string | undefined>();
  const text = commandText(command, options.busybox, `${command.env["PATH"] ?? ""}:${enginePath}`);
  const finished = shell.requestCommand(text, command.output, (name, value) => {
    if (name === "pid") started.resolve(value);
  });
  finished.then(
    () => started.resolve(undefined),
    () => started.resolve(undefined),
  );
  const ending = new Ending(options, command.signal, started.promise);
  try {
    const reply = await Promise.race([finished, ending.gaveUp]);
    await ending.finish();
    if (reply === undefined) return { exitCode: -1, killedBy: "SIGKILL" };
    return exitOf(reply, command);
  } finally {
    ending[Symbol.dispose]();
  }
}

/** Linux's limit for one argument or variable, its end included (`MAX_ARG_STRLEN`). */
const maxArgumentBytes = 128 * 1024;

function refuseTooLong({ command, env }: ProcessCommand): void {
  const texts = [...command, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  if (texts.every((text) => Buffer.byteLength(text) < maxArgumentBytes)) return;
  throw new ProcessStartError(`${JSON.stringify(command[0])}: arguments and environment are too long`);
}

function exitOf({ status, values, lines }: Reply, { command: [program], workDir }: ProcessCommand): ProcessExit {
  const failure = values.get("fail");
  if (failure !== undefined) throw new ProcessStartError(startFailure(failure, JSON.stringify(program), workDir));
  // a shell says 128 and more for signals and for programs that exit so, but names a signal
  const number = lines.length > 0 ? status - 128 : 0;
  const [killedBy] = Object.entries(constants.signals).find(([, value]) => value === number) ?? [];
  return killedBy === undefined ? { exitCode: status, killedBy } : { exitCode: -1, killedBy };
}

function startFailure(kind: string, program: string, workDir: string): string {
  if (kind === "directory") return `working directory ${workDir} does not exist`;
  if (kind === "missing") return `${program}: no such file, or its interpreter is missing`;
  if (kind === "denied") return `${program}: permission denied, is it executable?`;
  return `${program}: executable file not found in PATH`;
}

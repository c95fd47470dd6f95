import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import posix from "node:path/posix";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FunctionError } from "../function-error.ts";
import type { FileContent, HostFiles, ProjectFiles } from "../run/host-files.ts";
import { defaultFetchLimits, FetchMeter } from "../source/fetch-limits.ts";
import { extractTar } from "../source/oci/extract-layer.ts";
import { FunctionTree } from "../source/oci/function-tree.ts";
import type { ContainerProcessesOptions } from "./container-options.ts";
import { outcomeOf } from "./container-process.ts";
import type { ContainerShell, Reply } from "./container-shell.ts";
import { packTree } from "./pack-tree.ts";
import { word, words } from "./shell-text.ts";

/** Files in the job's container: small ones through its shell, whole trees as archives. */
export function createContainerFiles(shell: ContainerShell, options: ContainerProcessesOptions): HostFiles {
  const provided = new Map<string, Promise<string>>();

  async function succeed(what: string, text: string): Promise<void> {
    const { status, lines } = await shell.request(text);
    if (status !== 0) throw containerFailure(`${what}: ${lines.join("; ") || `status ${status}`}`);
  }

  async function makeDirectory(path: string): Promise<void> {
    await succeed(`${path} cannot be made`, `"$B" mkdir -p -m 700 -- ${word(path)}`);
  }

  async function upload(directory: string): Promise<string> {
    const target = posix.join(options.directory, `function-${randomBytes(8).toString("hex")}`);
    await makeDirectory(target);
    await feedProgram(options, ["tar", "-x", "-o", "-f", "-", "-C", target], packTree(directory));
    return target;
  }

  return {
    async createPrivateDirectory() {
      const directory = posix.join(options.directory, `job-${randomBytes(8).toString("hex")}`);
      await makeDirectory(directory);
      return directory;
    },
    makeDirectory,
    isDirectory: async (path) => (await shell.request(`[ -d ${word(path)} ]`)).status === 0,
    async writeFile(path, content, mode) {
      const umask = (0o777 & ~mode).toString(8);
      const text = `umask ${umask}; printf %s ${word(content)} >${word(path)}; c=$?; umask "$U"; status $c`;
      await succeed(`${path} cannot be written`, text);
    },
    async readFile(path, { maxBytes, followsLinks }) {
      const follows = followsLinks === true ? "yes" : "no";
      return contentOf(await shell.request(`read_file ${word(path)} ${maxBytes + 1} ${follows}`), maxBytes);
    },
    remove(paths) {
      // nobody waits for it
      shell.request(`"$B" rm -rf -- ${words(paths)} </dev/null >/dev/null 2>&1 3>&- &`).catch(() => {});
    },
    async provide(directory) {
      const known = provided.get(directory) ?? upload(directory);
      provided.set(directory, known);
      return await known;
    },
    openProject: (workDir, wanted) => copyProject(options, workDir, wanted),
  };
}

function contentOf({ values, lines }: Reply, maxBytes: number): FileContent {
  const kind = values.get("file");
  if (kind === "missing" || kind === "not-regular") return { kind };
  if (kind !== "text") return { kind: "unreadable", why: "EACCES" };
  const content = Buffer.from(lines.join(""), "base64");
  return content.length > maxBytes ? { kind: "too-large" } : { kind: "text", text: content.toString() };
}

/** Copies what is wanted out of the container; links are followed there, where they show nothing the job cannot see. */
async function copyProject(
  options: ContainerProcessesOptions,
  workDir: string,
  wanted: readonly string[],
): Promise<ProjectFiles> {
  const directory = await mkdtemp(join(options.tempDir ?? tmpdir(), "jobscope-project-"));
  const project: ProjectFiles = {
    directory,
    async store(name) {
      const source = join(directory, name);
      const { size } = await stat(source);
      // by its length: the end of a stream does not reach a program through every kind of connection
      const copy = ["sh", "-c", 'exec "$0" head -c "$1" >"$2"', options.busybox, `${size}`, posix.join(workDir, name)];
      await feedProgram(options, copy, createReadStream(source));
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
  try {
    // what leads out is left to the built-in to refuse
    const inside = wanted.map((path) => posix.normalize(path)).filter((path) => !/^(?:\/|\.\.(?:\/|$))/.test(path));
    if (inside.length > 0) await copyOut(options, workDir, inside, directory);
    return project;
  } catch (error) {
    await project[Symbol.asyncDispose]();
    throw error;
  }
}

async function copyOut(
  { start, busybox }: ContainerProcessesOptions,
  workDir: string,
  paths: readonly string[],
  target: string,
): Promise<void> {
  using tar = await start({ command: [busybox, "tar", "-c", "-h", "-f", "-", "-C", workDir, "--", ...paths] });
  tar.stdin.end();
  tar.stderr.resume(); // a missing file is the built-in's to report
  await extractTar(tar.stdout, new FunctionTree(target), new FetchMeter(defaultFetchLimits));
}

/** Runs a program of busybox with a stream for its standard input. @throws {FunctionError} when it does not succeed. */
async function feedProgram(
  { start, busybox }: ContainerProcessesOptions,
  command: readonly string[],
  input: Readable,
): Promise<void> {
  using program = await start({ command: [busybox, ...command] });
  const [fed, outcome] = await Promise.allSettled([pipeline(input, program.stdin), outcomeOf(program)]);
  if (outcome.status === "rejected") throw outcome.reason;
  const { exitCode, errorText } = outcome.value;
  if (exitCode !== 0)
    throw containerFailure(`${command[0]} in the job's container: ${errorText || `exit code ${exitCode}`}`);
  if (fed.status === "rejected") throw fed.reason;
}

function containerFailure(message: string): FunctionError {
  return new FunctionError(message, { code: "command_failed" });
}

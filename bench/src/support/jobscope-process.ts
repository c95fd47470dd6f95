import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const mainFile = resolve(import.meta.dirname, "../../../packages/cli/dist/main.js");

/** A `jobscope` process, ended when disposed of. */
interface JobscopeProcess extends AsyncDisposable {
  readonly pid: number;
  /** Its own temporary directory. */
  readonly directory: string;
  /** Everything it wrote to standard error so far. */
  readonly stderr: () => string;
  /** Resident memory in bytes. */
  residentBytes(): Promise<number>;
}

/** Starts the built command, as a user would, with a temporary directory of its own that is also its HOME. */
export async function startJobscope(
  args: (directory: string) => readonly string[] | Promise<readonly string[]>,
  options: { readonly path?: string | undefined } = {},
): Promise<JobscopeProcess> {
  const directory = await mkdtemp(join(tmpdir(), "jobscope-bench-"));
  const commandLine = [mainFile, ...(await args(directory))];
  const child = spawn(process.execPath, commandLine, {
    cwd: directory,
    env: { PATH: options.path ?? process.env["PATH"], HOME: directory },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-100_000);
  });
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  return {
    pid,
    directory,
    stderr: () => stderr,
    residentBytes: () => residentBytesOf(pid),
    async [Symbol.asyncDispose]() {
      await end(child);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/**
 * Starts `jobscope run` for one runner, with the shell executor unless an image for its jobs is given.
 *
 * @param options `path`: where it finds programs, `bash` among them. Default: this process's `PATH`.
 */
export function startRunner(options: {
  url: string;
  concurrent: number;
  image?: string;
  path?: string;
}): Promise<JobscopeProcess> {
  return startJobscope(async (directory) => {
    const file = join(directory, "config.toml");
    await writeFile(
      file,
      [
        `concurrent = ${options.concurrent}`,
        "check_interval = 1",
        "[[runners]]",
        'name = "bench"',
        `url = "${options.url}"`,
        'token = "glrt-bench"',
        `request_concurrency = ${options.concurrent}`,
        ...(options.image === undefined
          ? ['executor = "shell"', `builds_dir = "${directory}/builds"`]
          : ['executor = "docker"', "[runners.docker]", `image = "${options.image}"`, 'pull_policy = "never"']),
        "",
      ].join("\n"),
    );
    return ["run", "--config", file];
  }, options);
}

async function residentBytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGQUIT");
  const force = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exited;
  clearTimeout(force);
}

import { execFile } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { TaskContext } from "../task-context.ts";
import type { WorkspaceTasks } from "../workspace.ts";

type Task = WorkspaceTasks["clean-up"];

/** How long a credential helper of the user's may take to forget the job token. */
const forgetCredentialsMs = 5_000;

export async function cleanUp(request: Task["request"], context: TaskContext): Promise<Task["result"]> {
  const { projectDirectory, temporaryDirectory, credentials } = request;
  if (credentials !== undefined) await forgetCredentials(credentials, context);
  const unwanted = new Set(request.temporaryFiles);
  const present = await readdir(temporaryDirectory).catch(() => []);
  await removeAll(
    temporaryDirectory,
    present.filter((name) => unwanted.has(name)),
  );
  if (request.removesProject) await rm(projectDirectory, { recursive: true, force: true });
  else await removeGitLeftovers(path.join(projectDirectory, ".git"));
  return { kind: "done" };
}

/** Locks of git processes that were killed, and the hook that a job may have put in the way of the next checkout. */
async function removeGitLeftovers(git: string): Promise<void> {
  const present: readonly string[] = await readdir(git).catch(() => []);
  if (present.length === 0) return;
  await removeAll(git, ["index.lock", "shallow.lock", "HEAD.lock", "config.lock", "hooks/post-checkout"]);
  const refs = path.join(git, "refs");
  const entries = await readdir(refs, { recursive: true }).catch(() => []);
  await removeAll(
    refs,
    entries.filter((file) => file.endsWith(".lock")),
  );
}

async function removeAll(directory: string, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => rm(path.join(directory, name), { force: true })));
}

/** A credential helper of the user's may have stored the job token. Best effort. */
async function forgetCredentials(
  { url, directory }: NonNullable<Task["request"]["credentials"]>,
  { environment }: TaskContext,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const options = { cwd: directory, env: { ...environment, GIT_TERMINAL_PROMPT: "0" }, timeout: forgetCredentialsMs };
    const child = execFile("git", ["credential", "reject"], options, () => resolve());
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(`url=${url}\nusername=gitlab-ci-token\n\n`);
  });
}

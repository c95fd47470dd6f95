import { execFile } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { gitGlobalConfigFileName, gitlabEnvFileName } from "../../shell/posix/export-variables.ts";
import { externalGitConfigFileName } from "../../shell/posix/git-config-files.ts";
import { scriptContextOf } from "../job-context.ts";
import type { PreparedRun } from "../job-run.ts";
import { remoteOf } from "./get-sources.ts";
import { runScript } from "./run-script.ts";
import { runStage, traceStage } from "./run-stage.ts";
import { stageHeadings } from "./stage-name.ts";

/** How long a credential helper of the user's may take to forget the job token. */
const forgetCredentialsMs = 5_000;

/**
 * `cleanup_file_variables`: what must not be left for later jobs. Its failure is told to the operator only.
 *
 * Rule: runner-protocol.md §2.1 (phase 14), §3.9.
 */
export async function cleanUp(run: PreparedRun, signal: AbortSignal): Promise<void> {
  const name = "cleanup_file_variables";
  await runStage(run, { name, heading: stageHeadings[name], signal }, () =>
    traceStage(run, { name }, async (span) => {
      const { strategy } = run.settings.git;
      await forgetCredentials(run);
      await removeTemporaryFiles(run);
      if (run.flags.FF_ENABLE_JOB_CLEANUP) {
        if (strategy === "fetch") {
          const request = { ...scriptContextOf(run, span), settings: run.settings.git };
          await runScript(run, { name, text: run.dialect.resetWorktree(request), span, signal });
          await removeTemporaryFiles(run);
        } else if (strategy !== "none") await rm(run.directories.project, { recursive: true, force: true });
      }
      await removeGitLeftovers(run);
    }),
  );
}

async function removeTemporaryFiles({ variables, directories }: PreparedRun): Promise<void> {
  const unwanted = new Set([gitlabEnvFileName, "masking.db", externalGitConfigFileName, gitGlobalConfigFileName]);
  for (const variable of variables.entries) if (variable.isFile) unwanted.add(variable.key);
  const present = await readdir(directories.temporary).catch(() => []);
  await removeAll(
    directories.temporary,
    present.filter((name) => unwanted.has(name)),
  );
}

/** Locks of git processes that were killed, and the hook that a job may have put in the way of the next checkout. */
async function removeGitLeftovers({ directories }: PreparedRun): Promise<void> {
  const git = path.join(directories.project, ".git");
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

/** A credential helper of the user's may have stored the job token. Best effort, and only where git had it. */
async function forgetCredentials(run: PreparedRun): Promise<void> {
  const { strategy } = run.settings.git;
  const { host } = remoteOf(run);
  if (host === undefined || strategy === "none" || strategy === "empty") return;
  await new Promise<void>((resolve) => {
    const options = {
      cwd: run.directories.root,
      env: { ...run.options.environment, GIT_TERMINAL_PROMPT: "0" },
      timeout: forgetCredentialsMs,
    };
    const child = execFile("git", ["credential", "reject"], options, () => resolve());
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(`url=${host}\nusername=gitlab-ci-token\n\n`);
  });
}

import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** A folder below the system's temporary one that goes away with its scope. */
export function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "jobscope-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "A. Author",
  GIT_AUTHOR_EMAIL: "author@example.com",
  GIT_COMMITTER_NAME: "A. Author",
  GIT_COMMITTER_EMAIL: "author@example.com",
};

/** Runs git in a folder, with none of the machine's own settings. */
export function git(folder: string, ...args: string[]): string {
  const settings = ["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"];
  return execFileSync("git", [...settings, ...args], {
    cwd: folder,
    env: environment,
    encoding: "utf8",
    stdio: "pipe",
  }).trim();
}

/** Runs git without blocking: for what talks to a server of this process. */
export async function gitOverHttp(folder: string, ...args: string[]): Promise<string> {
  const settings = ["-c", "credential.helper=", "-c", "init.defaultBranch=main"];
  const options = { cwd: folder, env: { ...environment, GIT_TERMINAL_PROMPT: "0" }, timeout: 20_000 };
  const { stdout } = await promisify(execFile)("git", [...settings, ...args], options);
  return stdout.trim();
}

/** Writes files below a folder. */
export function write(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Makes a repository with one commit of the given files. */
export function aRepository(folder: string, files: Record<string, string>): string {
  mkdirSync(folder, { recursive: true });
  git(folder, "init", "--quiet", "--template=");
  appendFileSync(join(folder, ".git", "config"), "[user]\n\tname = U. Ser\n\temail = user@example.com\n");
  write(folder, files);
  git(folder, "add", "--all");
  git(folder, "commit", "--quiet", "-m", "first\n\nwith a body");
  return folder;
}

/** Every entry below a folder with kind, permissions, time of change and content: equal only if nothing was touched. */
export function fingerprint(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      if (entry.isSymbolicLink()) return [path, `link ${readlinkSync(path)}`];
      const { mode, mtimeMs } = statSync(path);
      const content = entry.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "";
      return [path, `${mode} ${mtimeMs} ${content}`];
    }),
  );
}

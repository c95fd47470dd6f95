import { spawn } from "node:child_process";
import { once } from "node:events";

export type UntrackedFiles =
  | { readonly kind: "listed"; readonly files: readonly string[] }
  | { readonly kind: "failed"; readonly why: string };

export interface UntrackedRequest {
  /** Work tree, absolute. */
  readonly directory: string;
  /** Environment of git. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** What git does not track in a work tree, ignored files included. Rule: runner-protocol.md §3.8. */
export async function listUntracked({ directory, environment, signal }: UntrackedRequest): Promise<UntrackedFiles> {
  const git = spawn("git", ["ls-files", "-o", "-z"], {
    cwd: directory,
    env: environment,
    stdio: ["ignore", "pipe", "ignore"],
    signal,
  });
  const output: Buffer[] = [];
  git.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  try {
    const [exitCode] = await once(git, "close");
    if (exitCode !== 0) return { kind: "failed", why: `exit status ${exitCode}` };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
  const names = Buffer.concat(output).toString().split("\0");
  return { kind: "listed", files: names.filter((name) => name !== "") };
}

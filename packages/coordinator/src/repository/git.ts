import type { ChildEnvironment } from "../child-environment.ts";
import { CoordinatorError } from "../coordinator-error.ts";
import { type ProcessOptions, runProcess } from "../run-process.ts";

/** Runs git commands, all in one environment. */
export interface Git {
  /** Standard output as text, without the last newline. @throws {CoordinatorError} `git-failed`. */
  text(args: readonly string[], options?: GitOptions): Promise<string>;
  /** Standard output as it is. @throws {CoordinatorError} `git-failed`. */
  bytes(args: readonly string[], options?: GitOptions): Promise<Buffer>;
  /** Standard output, or `undefined` when git said no (a ref or a setting that does not exist, say). */
  maybe(args: readonly string[], options?: GitOptions): Promise<string | undefined>;
  readonly environment: ChildEnvironment;
}

/** Per-call settings. */
export interface GitOptions extends Omit<ProcessOptions, "environment"> {
  /** Added to the environment. */
  readonly variables?: ChildEnvironment;
}

/** Settings that keep git from writing or starting anything in a repository that it only reads, and its output as we know it. */
const readOnlySettings = [
  "core.fsmonitor=false",
  "core.untrackedCache=false",
  "gc.auto=0",
  "log.showSignature=false",
].flatMap((setting) => ["-c", setting]);

/** @param environment of {@link childEnvironment}. */
export function createGit(environment: ChildEnvironment): Git {
  const run = (args: readonly string[], { variables, ...options }: GitOptions = {}) =>
    runProcess("git", [...readOnlySettings, ...args], { ...options, environment: { ...environment, ...variables } });
  const bytes: Git["bytes"] = async (args, options) => {
    const result = await run(args, options).catch((cause: unknown) => {
      throw new CoordinatorError(`git ${args.join(" ")} did not run: ${messageOf(cause)}`, {
        code: "git-failed",
        cause,
      });
    });
    if (result.exitCode === 0) return result.stdout;
    const place = options?.cwd === undefined ? "" : ` in ${options.cwd}`;
    const why = result.stderr.trim() || `exit code ${result.exitCode}`;
    throw new CoordinatorError(`git ${args[0] ?? ""} failed${place}: ${why}`, { code: "git-failed" });
  };
  return {
    environment,
    bytes,
    text: async (args, options) => (await bytes(args, options)).toString("utf8").replace(/\n$/, ""),
    maybe: async (args, options) => {
      const result = await run(args, options);
      return result.exitCode === 0 ? result.stdout.toString("utf8").replace(/\n$/, "") : undefined;
    },
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

import { CommandError } from "./command-error.ts";
import type { Palette } from "./view/palette.ts";

/**
 * What the user is told of an error: one clear message, never a stack trace unless asked for.
 *
 * Errors that our packages throw on purpose have a `code` and a message for the user, and some a list of `problems`.
 * Everything else is a bug or something that nobody foresaw, and says so.
 */
export function describeFailure(error: unknown, look: { isDebug: boolean; palette: Palette }): string {
  const { palette } = look;
  const lines = [`${palette.failed("jobscope:")} ${messageOf(error)}`];
  for (const problem of problemsBeside(error)) lines.push(`  - ${problem}`);
  const hint = hintFor(error);
  if (hint !== undefined) lines.push(palette.dim(hint));
  if (look.isDebug) lines.push(palette.dim(stackOf(error)));
  else if (!isExpected(error)) lines.push(palette.dim("This was not foreseen: --debug shows where it came from."));
  return `${lines.join("\n")}\n`;
}

/** What to try: the error's own word, or ours on errors of the parts, which know no flags. */
function hintFor(error: unknown): string | undefined {
  if (error instanceof CommandError) return error.hint;
  return hints[codeOf(error) ?? ""];
}

const hints: Readonly<Record<string, string>> = {
  "data-dir-in-use": "Wait for it to end, or give this one its own directory: --data DIR",
  unauthenticated: "The collector asks for a token: --api-token-file FILE, or the variable JOBSCOPE_API_TOKEN.",
};

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = systemMessages[codeOf(error) ?? ""];
  const path = "path" in error && typeof error.path === "string" ? ` (${error.path})` : "";
  if (known !== undefined && "syscall" in error) return `${known}${path}`;
  return error.message === "" ? error.name : error.message;
}

/** The operating system's codes that a user can do something about. */
const systemMessages: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EADDRINUSE: "the address is in use",
  EMFILE: "too many open files",
};

/** Some messages are their problems joined already. */
function problemsBeside(error: unknown): string[] {
  return problemsOf(error).filter((problem) => !messageOf(error).includes(problem));
}

function problemsOf(error: unknown): string[] {
  if (!(error instanceof Error) || !("problems" in error) || !Array.isArray(error.problems)) return [];
  return error.problems.map((problem: unknown) => (typeof problem === "string" ? problem : describeProblem(problem)));
}

/** Problems of our configuration errors are records: where, and what is wrong there. */
function describeProblem(problem: unknown): string {
  if (typeof problem !== "object" || problem === null) return String(problem);
  return Object.values(problem)
    .filter((value) => typeof value === "string" || typeof value === "number")
    .join(": ");
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function isExpected(error: unknown): boolean {
  if (error instanceof CommandError) return true;
  const code = codeOf(error);
  return code !== undefined && !code.startsWith("ERR_");
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

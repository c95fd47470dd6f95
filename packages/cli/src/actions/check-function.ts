import { relative, resolve } from "node:path";
import {
  checkFunction,
  type FunctionCheck,
  FunctionError,
  printPlace,
  type ValueDeclaration,
} from "@jobscope/functions";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";

/** `jobscope function check`. @returns 1 when the function has problems. */
export async function checkOneFunction(path: string, context: CommandContext): Promise<ExitCode> {
  const found = await check(resolve(context.workingDirectory, path), path);
  const shownPath = relative(context.workingDirectory, found.path) || found.path;
  if (found.problems.length > 0) {
    context.stdout.write(found.problems.map((problem) => describe(problem, shownPath, context)).join(""));
    return 1;
  }
  const { palette } = context;
  context.stdout.write(`${palette.state("success", "✓")} ${shownPath}\n`);
  for (const line of interfaceLines(found.file)) context.stdout.write(`  ${line}\n`);
  return 0;
}

async function check(absolutePath: string, path: string): Promise<FunctionCheck> {
  try {
    return await checkFunction(absolutePath);
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    throw new CommandError(`${path}: there is no function: ${error.message}`, { cause: error });
  }
}

function describe(
  { message, place }: FunctionCheck["problems"][number],
  path: string,
  { palette }: CommandContext,
): string {
  if (place === undefined) return `${palette.bold(path)}: ${message}\n`;
  const excerpt = place.excerpt === undefined ? "" : `${place.excerpt.replaceAll(/^/gm, "  ")}\n`;
  return `${palette.bold(printPlace(place))}: ${message}\n${excerpt}`;
}

/** What the function takes and gives, one a line. */
function interfaceLines(file: FunctionCheck["file"]): string[] {
  if (file === undefined) return [];
  const { inputs, outputs } = file.spec;
  const given = outputs === "delegate" ? ["outputs: those of the function it hands on to"] : lines("output", outputs);
  return [...lines("input", inputs), ...given];
}

function lines(word: string, declarations: ReadonlyMap<string, ValueDeclaration>): string[] {
  return [...declarations].map(([name, declaration]) => {
    const notes = [
      declaration.type,
      ...(declaration.sensitive ? ["sensitive"] : []),
      ...defaultNote(word, declaration),
    ];
    return `${word} ${name}: ${notes.join(", ")}`;
  });
}

function defaultNote(word: string, declaration: ValueDeclaration): string[] {
  if (declaration.default === undefined) return word === "input" ? ["required"] : [];
  return declaration.sensitive ? ["has a default"] : [`default ${JSON.stringify(declaration.default)}`];
}

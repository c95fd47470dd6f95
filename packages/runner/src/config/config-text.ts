import { isDeepStrictEqual } from "node:util";
import { parse, stringify, type TomlTable } from "smol-toml";

/** An edited configuration file, and whether comments and layout had to go. */
export interface EditedConfig {
  readonly text: string;
  readonly lostComments: boolean;
}

type Table = Readonly<Record<string, unknown>>;

/**
 * Adds a `[[runners]]` table at the end.
 *
 * All edits here change only the lines they must, so that unknown keys, comments and layout stay. Where that is not
 * possible (runners written as an inline array), the whole file is written anew: values and unknown keys stay, comments
 * do not.
 */
export function addRunner(text: string, runner: Table): EditedConfig {
  const wanted = parse(text);
  wanted["runners"] = [...runnersOf(wanted), runner as TomlTable];
  const gap = text === "" || text.endsWith("\n\n") ? "" : text.endsWith("\n") ? "\n" : "\n\n";
  return settle(`${text}${gap}${stringify({ runners: [runner] })}`, wanted);
}

/** Removes the runner at `index`, with the comments inside its table. */
export function removeRunner(text: string, index: number): EditedConfig {
  const wanted = parse(text);
  wanted["runners"] = runnersOf(wanted).filter((_, at) => at !== index);
  const lines = text.split("\n");
  const block = runnerBlocks(lines)[index];
  if (block !== undefined) lines.splice(block.from, block.to - block.from);
  return settle(lines.join("\n"), wanted);
}

/** Sets plain keys of the runner at `index`: texts, numbers, instants. */
export function setRunnerKeys(text: string, index: number, values: Table): EditedConfig {
  const wanted = parse(text);
  Object.assign(runnersOf(wanted)[index] ?? {}, values);
  const lines = text.split("\n");
  const block = runnerBlocks(lines)[index];
  if (block !== undefined) {
    for (const [key, value] of Object.entries(values)) setKey(lines, block, key, value);
  }
  return settle(lines.join("\n"), wanted);
}

/** Takes the careful edit if it says what is wanted, else writes all anew. */
function settle(text: string, wanted: TomlTable): EditedConfig {
  try {
    const { runners: got = [], ...rest } = parse(text);
    const { runners: expected = [], ...others } = wanted;
    if (isDeepStrictEqual(plain([got, rest]), plain([expected, others]))) return { text, lostComments: false };
  } catch {
    // The file is laid out in a way that the careful edit broke: it is written anew below.
  }
  return { text: stringify(wanted), lostComments: true };
}

/** A line range, the end exclusive. `ownEnd`: where the runner's own keys end and its sub-tables begin. */
interface Block {
  readonly from: number;
  ownEnd: number;
  to: number;
}

/** The `[[runners]]` tables, each up to the next table that is not its own. */
function runnerBlocks(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  let quote: string | undefined;
  lines.forEach((line, at) => {
    if (quote === undefined && /^\s*\[/.test(line)) {
      const isRunner = /^\s*\[\[\s*runners\s*\]\]/i.test(line);
      const isInside = /^\s*\[\[?\s*runners\s*\./i.test(line);
      if (open !== undefined && open.ownEnd === lines.length) open.ownEnd = at;
      if (open !== undefined && !isInside) open.to = at;
      if (!isInside) open = undefined;
      if (isRunner) {
        open = { from: at, ownEnd: lines.length, to: lines.length };
        blocks.push(open);
      }
    }
    quote = quoteAfter(line, quote);
  });
  return blocks;
}

/** Which multi-line string is open at the end of a line. */
function quoteAfter(line: string, quote: string | undefined): string | undefined {
  let open = quote;
  for (const [mark] of line.matchAll(/"""|'''/g)) {
    if (open === undefined) open = mark;
    else if (open === mark) open = undefined;
  }
  return open;
}

function setKey(lines: string[], block: Block, key: string, value: unknown): void {
  const written = stringify({ [key]: value }).trimEnd();
  const pattern = new RegExp(`^(\\s*)"?${key}"?\\s*=`, "i");
  for (let at = block.from + 1; at < block.ownEnd; at += 1) {
    const indent = pattern.exec(lines[at] ?? "")?.[1];
    if (indent === undefined) continue;
    lines[at] = `${indent}${written}`;
    return;
  }
  lines.splice(block.from + 1, 0, `  ${written}`);
  block.ownEnd += 1;
  block.to += 1;
}

function runnersOf(table: TomlTable): TomlTable[] {
  const { runners } = table;
  return Array.isArray(runners) ? (runners as TomlTable[]) : [];
}

/** Values without their classes, so that a `Date` and a TOML date of the same instant are equal. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

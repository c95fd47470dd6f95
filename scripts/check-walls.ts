/**
 * Checks every import in packages/ against the import table of docs/architecture.md, and the folders for cycles.
 *
 * The table is the rule: a row names a folder (or file) and what it may import of ours; the longest row that holds a
 * file is the one that counts. Imports within a row are free. Test files may import anything of their own package.
 * Exits 1 and names each import that climbs a wall.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, normalize } from "node:path";

interface Wall {
  folder: string;
  allowed: string[];
}

interface Import {
  file: string;
  line: number;
  target: string;
}

const walls = readWalls("docs/architecture.md");
const imports = globSync("packages/*/src/**/*.ts").filter(isProduct).flatMap(importsOf);
const problems = [
  ...imports.filter(climbsWall).map(describe),
  ...cyclesBetweenRows().map((cycle) => `cycle: ${cycle}`),
];

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`${imports.length} imports, ${walls.length} walls, ${problems.length} problems\n`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** Reads the rows of every table whose header is `| folder | may import |`; an em dash means nothing of ours. */
function readWalls(path: string): Wall[] {
  const rows: Wall[] = [];
  let inTable = false;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (/^\|\s*folder\s*\|\s*may import\s*\|/.test(line)) inTable = true;
    else if (!line.startsWith("|")) inTable = false;
    const [, folder, allowed] = inTable ? line.split("|").map((cell) => codeSpans(cell)) : [];
    if (folder?.[0] !== undefined) rows.push({ folder: folder[0], allowed: allowed ?? [] });
  }
  return rows;
}

function codeSpans(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}

function isProduct(file: string): boolean {
  return !file.endsWith(".test.ts") && !file.includes("/testing/");
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8");
  const statement = /(?:\bfrom|^import|\bimport\()\s*"(?<specifier>[^"]+)"/gm;
  return [...text.matchAll(statement)].flatMap((match) => {
    const target = resolveOwn(file, match.groups?.["specifier"] ?? "");
    const line = text.slice(0, match.index).split("\n").length;
    return target === undefined ? [] : [{ file, line, target }];
  });
}

/** The path of ours that an import names: a file for a relative import, `packages/<name>` for a package of ours. */
function resolveOwn(file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return normalize(`${dirname(file)}/${specifier}`);
  const name = /^@jobscope\/(?<name>[^/]+)/.exec(specifier)?.groups?.["name"];
  return name === undefined ? undefined : `packages/${name}`;
}

function wallOf(path: string): Wall | undefined {
  return walls.filter(({ folder }) => isWithin(path, folder)).sort((a, b) => b.folder.length - a.folder.length)[0];
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function climbsWall({ file, target }: Import): boolean {
  const wall = wallOf(file);
  if (wall === undefined) return true;
  const from = wallOf(target);
  if (from?.folder === wall.folder) return false;
  return !wall.allowed.some((allowed) => isWithin(target, allowed));
}

function describe({ file, line, target }: Import): string {
  const wall = wallOf(file);
  if (wall === undefined) return `${file}:${line}: no row of the import table holds this file`;
  const missing = existsSync(target) || target.startsWith("packages/") ? "" : " (which does not exist)";
  return `${file}:${line}: ${wall.folder} may not import ${target}${missing}`;
}

/** Cycles between rows of one package: the table itself must be a direction. */
function cyclesBetweenRows(): string[] {
  const edges = new Map<string, Set<string>>();
  for (const { file, target } of imports) {
    const from = wallOf(file)?.folder;
    const to = wallOf(target)?.folder;
    if (from === undefined || to === undefined || from === to) continue;
    edges.set(from, (edges.get(from) ?? new Set()).add(to));
  }
  const found = new Map<string, string>();
  const visit = (row: string, path: string[]): void => {
    const at = path.indexOf(row);
    if (at >= 0) {
      const cycle = path.slice(at);
      found.set([...cycle].sort().join(), [...cycle, row].join(" → "));
      return;
    }
    for (const next of edges.get(row) ?? []) visit(next, [...path, row]);
  };
  for (const row of edges.keys()) visit(row, []);
  return [...found.values()];
}

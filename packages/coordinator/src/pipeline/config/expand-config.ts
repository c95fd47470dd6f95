import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChildEnvironment } from "../../child-environment.ts";
import { CoordinatorError } from "../../coordinator-error.ts";
import { createGit } from "../../repository/git.ts";
import { runProcess } from "../../run-process.ts";
import { expandFully } from "../variables/expand-variables.ts";
import { explainExpansion } from "./explain-expansion.ts";
import { hideKeywords, type RevealedConfig, revealKeywords } from "./hidden-keywords.ts";
import { isPlainObject, type PlainObject } from "./plain-object.ts";
import { parseConfigYaml, Reference, stringifyConfigYaml } from "./yaml-document.ts";

/** What the expansion needs to know. */
export interface ExpansionInput {
  /** Path of the configuration in the repository. */
  readonly configPath: string;
  /** Every YAML file of the snapshot by its path; those that nobody includes do no harm. */
  readonly yamlFiles: ReadonlyMap<string, string>;
  /** Values of the variables usable in `include`: predefined, project and pipeline ones. */
  readonly lookup: (name: string) => string | undefined;
  /** Decides `include: rules`. */
  readonly isIncluded: (rules: unknown) => boolean;
  /** The user's `origin`, from where `include: project` is resolved. */
  readonly remoteUrl: string | undefined;
  readonly environment: ChildEnvironment;
  readonly signal?: AbortSignal;
}

/** Rounds of fetching remote includes: each may bring files that include further ones. */
const maxRounds = 10;
const expansionProgram = fileURLToPath(import.meta.resolve("gitlab-ci-local"));

/**
 * Resolves `include`, `extends`, `!reference` and inputs with `gitlab-ci-local --preview`, in a temporary copy of the YAML
 * files, in an environment where no setting of the user's own `gitlab-ci-local` applies.
 *
 * @throws {CoordinatorError} `config-missing`, `config-invalid`.
 */
export async function expandConfig(input: ExpansionInput): Promise<RevealedConfig> {
  if (!input.yamlFiles.has(input.configPath)) {
    throw new CoordinatorError(`there is no ${input.configPath} in this repository`, { code: "config-missing" });
  }
  const plain = plainConfig(input);
  if (plain !== undefined) return plain;
  const folder = await mkdtemp(join(tmpdir(), "jobscope-expand-"));
  try {
    await materialise(input, join(folder, "tree"));
    return revealKeywords(await previewUntilComplete(input, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Most small configurations have nothing to resolve, and need not wait for a process. */
function plainConfig(input: ExpansionInput): RevealedConfig | undefined {
  const documents = parseConfigYaml(input.yamlFiles.get(input.configPath) ?? "", input.configPath);
  const [document] = documents;
  if (documents.length !== 1 || !isPlainObject(document) || hasSomethingToResolve(document)) return undefined;
  return revealKeywords(flattenLists(hideKeywords(document)));
}

/** GitLab takes lists of lists for lists, everywhere; so does the expansion. */
function flattenLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.flat(9).map(flattenLists);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, flattenLists(inner)]));
}

function hasSomethingToResolve(document: PlainObject): boolean {
  const refersOrExtends = (value: unknown): boolean => {
    if (value instanceof Reference) return true;
    if (Array.isArray(value)) return value.some(refersOrExtends);
    return isPlainObject(value) && ("extends" in value || Object.values(value).some(refersOrExtends));
  };
  return "include" in document || "spec" in document || refersOrExtends(document);
}

async function materialise(input: ExpansionInput, tree: string): Promise<void> {
  await mkdir(tree, { recursive: true });
  const folders = new Set<string>();
  for (const [path, text] of input.yamlFiles) {
    if (dirname(path).startsWith(".git/") || path.split("/").at(-1)?.startsWith(".gitlab-ci-local")) continue;
    const target = join(tree, path);
    if (!folders.has(dirname(target))) await mkdir(dirname(target), { recursive: true });
    folders.add(dirname(target));
    await writeFile(target, hiddenText(text, path, input));
  }
  const git = createGit(input.environment);
  const isolated = { HOME: dirname(tree), GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  const options = { cwd: tree, variables: isolated };
  // What the expansion asks of git: which files there are, and where `include: project` is to be found.
  await git.text(["init", "--quiet", "--template=", "--initial-branch=main", "."], options);
  // Of a remote the expansion takes the scheme for components, too.
  const remoteUrl = input.remoteUrl ?? "https://localhost/local/project.git";
  await git.text(["config", "remote.origin.url", remoteUrl], options);
  await git.text(["add", "--all", "--force", "."], options);
}

/** Files that nobody includes need not be valid; one that is included is refused by the expansion itself. */
function hiddenText(text: string, path: string, input: ExpansionInput): string {
  try {
    return hideText(text, path, input);
  } catch (error) {
    if (path === input.configPath) throw error;
    return text;
  }
}

function hideText(text: string, path: string, input: ExpansionInput): string {
  const documents = parseConfigYaml(text, path);
  const isSpec = documents.length > 1 && isPlainObject(documents[0]) && "spec" in documents[0];
  const hidden = documents.map((document, index) =>
    isSpec && index === 0 ? document : hideKeywords(resolveIncludes(document, input)),
  );
  return stringifyConfigYaml(hidden);
}

/**
 * Takes out includes whose rules say no and puts variables in. Done here, so that the expansion needs to know no variable:
 * what is on its command line every user of the machine can read.
 */
function resolveIncludes(document: unknown, input: ExpansionInput): unknown {
  if (!isPlainObject(document) || document["include"] === undefined) return document;
  const entries: unknown[] = Array.isArray(document["include"]) ? document["include"] : [document["include"]];
  const included = entries.flat(9).flatMap((entry) => {
    if (!isPlainObject(entry) || entry["rules"] === undefined) return [entry];
    const { rules, ...rest } = entry;
    return input.isIncluded(rules) ? [rest] : [];
  });
  const expanded = included.map((entry) => expandInclude(entry, input));
  for (const entry of expanded) refuseUnknownInputs(entry, input);
  return { ...document, include: expanded };
}

/** The expansion lets inputs pass that the included file does not have; GitLab refuses them. */
function refuseUnknownInputs(entry: unknown, { yamlFiles, configPath }: ExpansionInput): void {
  if (!isPlainObject(entry) || !isPlainObject(entry["inputs"]) || typeof entry["local"] !== "string") return;
  const path = entry["local"].replace(/^\//, "");
  const text = yamlFiles.get(path);
  if (text === undefined) return;
  const [header] = parseConfigYaml(text, path);
  const spec = isPlainObject(header) && isPlainObject(header["spec"]) ? header["spec"]["inputs"] : undefined;
  const known = isPlainObject(spec) ? Object.keys(spec) : [];
  const unknown = Object.keys(entry["inputs"]).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const has = known.length === 0 ? "it has no inputs" : `its inputs are ${known.join(", ")}`;
  throw new CoordinatorError(`${configPath}: include: ${path} does not know the input ${unknown.join(", ")}; ${has}`, {
    code: "config-invalid",
  });
}

function expandInclude(entry: unknown, input: ExpansionInput): unknown {
  if (typeof entry === "string") return expandFully(entry, input.lookup);
  if (Array.isArray(entry)) return entry.map((part) => expandInclude(part, input));
  if (!isPlainObject(entry)) return entry;
  const { inputs, ...places } = entry;
  const expanded = Object.entries(places).map(([key, value]) => [key, expandInclude(value, input)]);
  return { ...Object.fromEntries(expanded), ...(inputs === undefined ? {} : { inputs }) };
}

/** Remote includes arrive unhidden; they are hidden where they were cached, and the expansion runs again. */
async function previewUntilComplete(input: ExpansionInput, folder: string): Promise<unknown> {
  const hiddenFiles = new Set<string>();
  for (let round = 1; ; round += 1) {
    const result = await preview(input, folder);
    const fetched = (await yamlFilesBelow(join(folder, "state", "includes"))).filter((file) => !hiddenFiles.has(file));
    if (fetched.length === 0 || round === maxRounds) {
      if (result.exitCode === 0) return parsePreview(result.stdout.toString("utf8"), input.configPath);
      throw new CoordinatorError(`${input.configPath}: ${explainExpansion(result.stderr, input.remoteUrl)}`, {
        code: "config-invalid",
      });
    }
    for (const file of fetched) {
      await writeFile(file, hiddenText(await readFile(file, "utf8"), file, input));
      hiddenFiles.add(file);
    }
  }
}

/** Warnings may stand before the document. */
function parsePreview(output: string, configPath: string): unknown {
  const start = output.search(/^---$/m);
  return parseConfigYaml(output.slice(Math.max(start, 0)), configPath, "1.2")[0];
}

async function preview(input: ExpansionInput, folder: string) {
  const settings = ["--no-json-schema-validation", "--no-evaluate-rule-changes", "--state-dir", "../state"];
  const home = ["--home", join(folder, "home")];
  const args = [expansionProgram, "--preview", "--file", input.configPath, ...settings, ...home];
  const environment = {
    ...input.environment,
    HOME: join(folder, "home"),
    XDG_CONFIG_HOME: join(folder, "home"),
    NO_COLOR: "1",
    FORCE_COLOR: "0",
    GIT_CONFIG_NOSYSTEM: "1",
  };
  await mkdir(join(folder, "home"), { recursive: true });
  const { signal } = input;
  return await runProcess(process.execPath, args, {
    cwd: join(folder, "tree"),
    environment,
    timeoutMs: 120_000,
    maxOutputBytes: 64 << 20,
    ...(signal === undefined ? {} : { signal }),
  });
}

async function yamlFilesBelow(folder: string): Promise<string[]> {
  const exists = await stat(folder).then(
    () => true,
    () => false,
  );
  if (!exists) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

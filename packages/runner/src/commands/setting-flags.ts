import { parseGoBoolean } from "../config/go-boolean.ts";
import type { Environment } from "../config/process-environment.ts";
import { runnerTable } from "../config/schema/runner-table.ts";
import { type KeyKind, keysOf } from "../config/schema/table-keys.ts";
import { CommandError } from "./command-io.ts";

/** A table with keys as in the configuration file. */
export type Table = Readonly<Record<string, unknown>>;

/** One key of a `[[runners]]` table as a flag and as an environment variable. */
interface SettingFlag {
  /** `--docker-image` */
  readonly flag: string;
  /** `DOCKER_IMAGE` */
  readonly variable: string;
  /** `["docker", "image"]` */
  readonly path: readonly string[];
  readonly kind: KeyKind | "services";
}

/** Flags and variables that GitLab's runner calls otherwise than the key, by the key's path. */
const otherNames: Readonly<Record<string, { readonly flag?: string; readonly variable?: string }>> = {
  environment: { flag: "--env", variable: "RUNNER_ENV" },
  clone_url: { variable: "CLONE_URL" },
  feature_flags: { variable: "FEATURE_FLAGS" },
  "tls-ca-file": { variable: "CI_SERVER_TLS_CA_FILE" },
  "tls-cert-file": { variable: "CI_SERVER_TLS_CERT_FILE" },
  "tls-key-file": { variable: "CI_SERVER_TLS_KEY_FILE" },
  "docker.tls_cert_path": { variable: "DOCKER_CERT_PATH" },
  "cache.MaxUploadedArchiveSize": { variable: "CACHE_MAXIMUM_UPLOADED_ARCHIVE_SIZE" },
};

/** Keys with flags of their own (`--url`, `--token`, `--name`, `--executor`), and those that no one types. */
const notSettings: ReadonlySet<string> = new Set([
  ...["name", "url", "token", "executor", "id", "token_obtained_at", "token_expires_at"],
]);

/** Tables that only their own executor reads. */
const executorTables: ReadonlySet<string> = new Set(["docker", "custom"]);

/** Every key of `[[runners]]` that can be given as a flag. */
function settingFlags(): readonly SettingFlag[] {
  const flags = keysOf(runnerTable)
    .filter(({ path }) => !path.includes("*") && !notSettings.has(path[0] ?? ""))
    .map(({ path, kind }) => settingFlag(path, kind));
  return [...flags, settingFlag(["docker", "services"], "services")];
}

function settingFlag(path: readonly string[], kind: SettingFlag["kind"]): SettingFlag {
  const other = otherNames[path.join(".")];
  const words = path.map(kebab);
  const upper = words.join("_").replaceAll("-", "_").toUpperCase();
  return {
    flag: other?.flag ?? `--${words.join("-")}`,
    variable: other?.variable ?? (path.length === 1 ? `RUNNER_${upper}` : upper),
    path,
    kind,
  };
}

/** `pull_policy` and `BucketName` → `pull-policy` and `bucket-name`. */
function kebab(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase();
}

export interface SettingsSource {
  /** Command-line arguments that nobody else knows: `["--docker-image", "alpine", "--docker-privileged"]`. */
  readonly args: readonly string[];
  readonly environment: Environment;
  /** Whose environment variables count: `DOCKER_HOST` says nothing of a runner with the shell executor. */
  readonly executor: string | undefined;
}

/**
 * Reads keys of a `[[runners]]` table from flags and environment variables, spelt as GitLab's runner spells them.
 * A flag wins over its variable; one that may be repeated makes a list.
 *
 * @returns a table as in the file, with what was given.
 * @throws {CommandError} for a flag that is none, or a value that cannot be its.
 *
 * Rule: runner-protocol.md §6.8.
 */
export function readSettings({ args, environment, executor }: SettingsSource): Table {
  const known = settingFlags();
  const given = takeFlags(args, known);
  const settings: Record<string, unknown> = {};
  for (const setting of known) {
    const [table = ""] = setting.path;
    const counts = !executorTables.has(table) || table === executor;
    const fromVariable = counts ? environment[setting.variable] : undefined;
    const texts = given.get(setting) ?? (fromVariable === undefined || fromVariable === "" ? [] : [fromVariable]);
    if (texts.length > 0) put(settings, setting.path, readValue(setting, texts));
  }
  return settings;
}

/** One table over another; inner tables are put together likewise. */
export function mergeTables(under: Table, over: Table): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isTable(old) && isTable(value) ? mergeTables(old, value) : value;
  }
  return merged;
}

/** An inner table; empty when there is none. */
export function tableOf(table: Table, key: string): Table {
  const inner = table[key];
  return isTable(inner) ? inner : {};
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** `--flag value`, `--flag=value`, and `--flag` alone for what is true or false. Underscores may stand for dashes. */
function takeFlags(args: readonly string[], known: readonly SettingFlag[]): ReadonlyMap<SettingFlag, string[]> {
  const byFlag = new Map(known.map((setting) => [setting.flag, setting]));
  const given = new Map<SettingFlag, string[]>();
  for (let at = 0; at < args.length; at += 1) {
    const [written = "", inline] = splitOnce(args[at] ?? "", "=");
    const setting = byFlag.get(written.replaceAll("_", "-"));
    if (setting === undefined) throw new CommandError(2, `unknown option '${written}'`);
    let value = inline;
    if (value === undefined && setting.kind === "boolean") value = "true";
    if (value === undefined) {
      at += 1;
      value = args[at];
    }
    if (value === undefined) throw new CommandError(2, `${setting.flag}: a value is missing`);
    given.set(setting, [...(given.get(setting) ?? []), value]);
  }
  return given;
}

function readValue(setting: SettingFlag, texts: readonly string[]): unknown {
  const last = texts.at(-1) ?? "";
  switch (setting.kind) {
    case "list":
      return texts;
    case "services":
      return texts.map((name) => ({ name }));
    case "map":
      return Object.fromEntries(texts.flatMap((text) => entriesOf(setting, text)));
    case "number":
      if (last.trim() === "" || !Number.isFinite(Number(last))) throw misfit(setting, last, "a number");
      return Number(last);
    case "boolean":
      return trueOrFalse(setting, last);
    case "text":
      return last;
  }
}

/** `NAME:value` or `NAME=value`. Feature flags may stand in one text, separated by commas. */
function entriesOf(setting: SettingFlag, text: string): (readonly [string, unknown])[] {
  const isFlags = setting.path[0] === "feature_flags";
  const entries = isFlags ? text.split(/[,\s]+/) : [text];
  return entries.map((entry) => {
    const [, key, value] = /^([^:=]+)[:=](.*)$/.exec(entry) ?? [];
    if (key === undefined || value === undefined) throw misfit(setting, entry, "NAME:value");
    return [key, isFlags ? trueOrFalse(setting, value) : value];
  });
}

function trueOrFalse(setting: SettingFlag, text: string): boolean {
  const value = parseGoBoolean(text);
  if (value === undefined) throw misfit(setting, text, "true or false");
  return value;
}

function misfit({ flag, variable }: SettingFlag, found: string, expected: string): CommandError {
  return new CommandError(2, `${flag} (${variable}): expected ${expected}, found "${found}"`);
}

function put(table: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = "", ...rest] = path;
  if (rest.length === 0) table[key] = value;
  else {
    const inner = (table[key] ?? {}) as Record<string, unknown>;
    table[key] = inner;
    put(inner, rest, value);
  }
}

function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}

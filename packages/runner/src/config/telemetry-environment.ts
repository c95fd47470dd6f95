import type { ConfigProblem } from "./config-error.ts";
import type { Environment } from "./process-environment.ts";
import { keysOf, type TableKey } from "./schema/table-keys.ts";
import { telemetryTable } from "./schema/telemetry-table.ts";

const prefix = "JOBSCOPE_TELEMETRY_";

const otelHeaders = /^OTEL_EXPORTER_OTLP_(?:TRACES_)?HEADERS$/;

/**
 * What jobs may inherit: without our own variables, OpenTelemetry's headers, and those that the configuration reads a
 * secret from (`secretVariables`). A job that prints its environment must not print an operator's token.
 */
export function withoutTelemetryVariables(
  environment: Environment,
  secretVariables: readonly string[] = [],
): Environment {
  const isKept = (name: string) =>
    !name.startsWith(prefix) && !otelHeaders.test(name) && !secretVariables.includes(name);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isKept(name)));
}

/** `JOBSCOPE_TELEMETRY_ENDPOINTS_<n>_URL`; `*` in a path is an index, from 0. */
export function variableOf({ path }: Pick<TableKey, "path">, index = "<n>"): string {
  return prefix + path.map((step) => (step === "*" ? index : step.toUpperCase())).join("_");
}

/** A `[telemetry]` table with the environment's values put over it, and where each of those comes from. */
export interface TelemetryFromEnvironment {
  readonly table: Record<string, unknown>;
  /** Names of variables by key: `telemetry.endpoints[0].url` → `JOBSCOPE_TELEMETRY_ENDPOINTS_0_URL`. */
  readonly variableByKey: ReadonlyMap<string, string>;
  readonly problems: readonly ConfigProblem[];
}

/**
 * Puts the variables `JOBSCOPE_TELEMETRY_*` over a `[telemetry]` table, key by key. Empty ones count as not set. Lists are
 * separated by commas; maps are `name=value,name=value` with percent-encoding, as OpenTelemetry has its headers. Values are
 * taken as they are: a `$` in them is nothing special.
 */
export function withTelemetryEnvironment(
  table: Readonly<Record<string, unknown>>,
  environment: Environment,
): TelemetryFromEnvironment {
  const merged = structuredClone(table) as Record<string, unknown>;
  const variableByKey = new Map<string, string>();
  const problems: ConfigProblem[] = [];
  for (const [name, text = ""] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || text === "") continue;
    const found = findKey(name);
    if (found === undefined) {
      problems.push({ key: name, message: "unknown variable; docs/telemetry-setup.md has all of them" });
      continue;
    }
    setAt(merged, found.path, typed(found.key, text));
    variableByKey.set(keyText(["telemetry", ...found.path]), name);
  }
  return { table: merged, variableByKey, problems };
}

/** `["telemetry", "endpoints", 0, "url"]` → `telemetry.endpoints[0].url`. */
export function keyText(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`));
  return steps.join("").replace(/^\./, "");
}

const patterns = keysOf(telemetryTable).map((key) => ({ key, pattern: new RegExp(`^${variableOf(key, "(\\d)")}$`) }));

function findKey(variable: string): { key: TableKey; path: (string | number)[] } | undefined {
  for (const { key, pattern } of patterns) {
    const match = pattern.exec(variable);
    if (match !== null) return { key, path: key.path.map((step) => (step === "*" ? Number(match[1]) : step)) };
  }
  return undefined;
}

/** A text that is no such value stays as it is: the schema then says what it expected. */
function typed({ kind }: TableKey, text: string): unknown {
  switch (kind) {
    case "number":
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case "boolean":
      return { true: true, false: false }[text.toLowerCase()] ?? text;
    case "list":
      return text.split(",").map((item) => item.trim());
    case "map":
      return readPairs(text) ?? text;
    case "text":
      return text;
  }
}

/** `name=value,name=value`, percent-decoded. Undefined when it is not of that form. Rule: OpenTelemetry's OTLP exporter, "headers". */
export function readPairs(text: string): Record<string, string> | undefined {
  const pairs: Record<string, string> = {};
  for (const item of text.split(",")) {
    if (item.trim() === "") continue;
    const equals = item.indexOf("=");
    if (equals < 1) return undefined;
    try {
      pairs[item.slice(0, equals).trim()] = decodeURIComponent(item.slice(equals + 1).trim());
    } catch {
      return undefined;
    }
  }
  return pairs;
}

/** Makes tables and arrays on the way; what stands there of another kind is left for the schema to refuse. */
function setAt(table: Record<string, unknown>, path: readonly (string | number)[], value: unknown): void {
  let place = table as Record<string | number, unknown>;
  path.forEach((step, depth) => {
    const next = path[depth + 1];
    if (next === undefined) place[step] = value;
    else {
      place[step] ??= typeof next === "number" ? [] : {};
      if (typeof place[step] !== "object") return;
      place = place[step] as Record<string | number, unknown>;
    }
  });
}

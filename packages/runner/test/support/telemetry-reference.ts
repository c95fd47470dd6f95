import { formatGoDuration } from "../../src/config/go-duration.ts";
import { keysOf, type TableKey } from "../../src/config/schema/table-keys.ts";
import { telemetryTable } from "../../src/config/schema/telemetry-table.ts";
import { variableOf } from "../../src/config/telemetry-environment.ts";

const begin = "<!-- Made by `node scripts/write-telemetry-reference.ts`: what is below comes from the schema. -->";
const end = "<!-- End of what is made. -->";

/** The tables of docs/telemetry-setup.md: every key of `[telemetry]` with its default, meaning and variable. */
function telemetryReference(): string {
  const groups = Map.groupBy(keysOf(telemetryTable), ({ path }) => tableOf(path));
  const sections = [...groups].map(([table, keys]) => {
    const rows = keys.map(
      (key) => `| ${[keyName(key), defaultText(key), key.description, `\`${variableOf(key)}\``].join(" | ")} |`,
    );
    return `### \`${table}\`\n\n| key | default | meaning | variable |\n|---|---|---|---|\n${rows.join("\n")}`;
  });
  return sections.join("\n\n");
}

/** A document with the tables in their place. @throws {Error} when it has none for them. */
export function withTelemetryReference(document: string): string {
  const [before, rest] = document.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error("the document has no place for the tables");
  return `${before}${begin}\n\n${telemetryReference()}\n\n${end}${after}`;
}

function tableOf(path: readonly string[]): string {
  if (path[0] === "endpoints") return "[[telemetry.endpoints]]";
  return path.length === 1 ? "[telemetry]" : `[telemetry.${path[0]}]`;
}

/** Tables within an endpoint are written inline: `gcp.audience`. */
function keyName({ path }: TableKey): string {
  const own = path[0] === "endpoints" ? path.slice(2) : path.slice(-1);
  return `\`${own.join(".")}\``;
}

function defaultText({ path, defaultValue, isRequired }: TableKey): string {
  if (isRequired) return path[0] === "endpoints" && path.length === 3 ? "**required**" : "required with its table";
  const name = path.at(-1) ?? "";
  if (defaultValue === undefined) return "";
  if (typeof defaultValue !== "number") return `\`${JSON.stringify(defaultValue)}\``;
  if (/bytes$/.test(name)) return `\`"${defaultValue / 2 ** 20}MiB"\``;
  return /(?:timeout|age|duration)$/.test(name) ? `\`"${formatGoDuration(defaultValue)}"\`` : `\`${defaultValue}\``;
}

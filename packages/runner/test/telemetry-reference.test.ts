import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { keysOf } from "../src/config/schema/table-keys.ts";
import { telemetryTable } from "../src/config/schema/telemetry-table.ts";
import { withTelemetryReference } from "./support/telemetry-reference.ts";

test("docs/telemetry-setup.md has every key of [telemetry] as the schema has it", () => {
  const document = readFileSync(new URL("../../../docs/telemetry-setup.md", import.meta.url), "utf8");
  assert.equal(
    document,
    withTelemetryReference(document),
    "node scripts/write-telemetry-reference.ts brings it up to date",
  );
});

test("every key of [telemetry] is described", () => {
  const silent = keysOf(telemetryTable).filter(({ description }) => description === "");
  assert.deepEqual(
    silent.map(({ path }) => path.join(".")),
    [],
  );
});

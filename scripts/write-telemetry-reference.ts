import { readFileSync, writeFileSync } from "node:fs";
import { withTelemetryReference } from "../packages/runner/test/support/telemetry-reference.ts";

const file = new URL("../docs/telemetry-setup.md", import.meta.url);
writeFileSync(file, withTelemetryReference(readFileSync(file, "utf8")));

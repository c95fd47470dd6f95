import assert from "node:assert/strict";
import { test } from "node:test";
import { createRunnerLog } from "./runner-log.ts";

const config = { logLevel: "warn", logFormat: "human" } as const;

/** Which lines are written, the second ones after the file's level was changed to `debug`. Source: runner-protocol.md §6.8. */
const cases = [
  { given: "the file's level", flags: {}, environment: {}, heard: ["warn", "then info", "then warn"] },
  {
    given: "--log-level info",
    flags: { logLevel: "info" },
    environment: {},
    heard: ["info", "warn", "then info", "then warn"],
  },
  { given: "--log-level fatal", flags: { logLevel: "fatal" }, environment: {}, heard: [] },
  {
    given: "RUNNER_DEBUG and --log-level error",
    flags: { logLevel: "error" },
    environment: { RUNNER_DEBUG: "true" },
    heard: ["info", "warn", "then info", "then warn"],
  },
];

for (const { given, flags, environment, heard } of cases) {
  test(`the runner log follows ${given}`, () => {
    const lines: string[] = [];
    const write = (line: string) => lines.push(JSON.parse(line).msg);
    const context = { stderr: {}, environment };
    const options = { flags: { ...flags, logFormat: "json" }, context, isDebug: false, config, write };
    const { log, follow } = createRunnerLog(options);
    log.info("info");
    log.warn("warn");
    follow({ logLevel: "debug" });
    log.info("then info");
    log.warn("then warn");
    assert.deepEqual(lines, heard);
  });
}

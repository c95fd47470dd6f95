import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import { parseConfig } from "../config/parse-config.ts";
import type { CoordinatorClient, JobRequestOutcome } from "../coordinator-client/coordinator-client.ts";
import { noMetrics } from "../metrics/runner-metrics.ts";
import { Poller } from "./poller.ts";
import { createRunnerEntry } from "./runner-entry.ts";

test("a job is expected after two in a row, and none after a request that came back empty", async () => {
  const { resolve, promise: asked } = Promise.withResolvers<void>();
  const answers = ["job", "no-job", "job", "job", "job", "no-job"] as const;
  let next = 0;
  const said: string[] = [];
  const client = {
    async requestJob({ signal }: { signal: AbortSignal }): Promise<JobRequestOutcome> {
      const kind = answers[next];
      next += 1;
      if (kind === undefined) {
        resolve();
        return await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      }
      said.push(kind);
      return { kind, job: {}, repeated: false } as unknown as JobRequestOutcome;
    },
  };
  const table = { name: "r", url: "http://127.0.0.1:1", token: "glrt-x", executor: "shell" };
  const [runner] = parseConfig({ runners: [table] }, { environment: {} }).runners;
  assert.ok(runner);
  const about = { runner, client: client as unknown as CoordinatorClient, remoteCache: undefined };
  const poller = new Poller({
    log: silentLog,
    metrics: noMetrics,
    runOutcome: async () => {
      said.push("ends");
    },
    onOutlook: (_, expectsJob) => said.push(expectsJob ? "expected" : "none expected"),
    onWorkEnd: () => {},
  });
  const entry = createRunnerEntry(about, { requests: 0, jobs: 0 });
  poller.poll([entry], { concurrent: 1, checkIntervalMs: 1 });
  await asked;
  poller.stop();
  await poller.idle();
  assert.deepEqual(said, [
    ...["job", "ends", "no-job", "none expected"],
    ...["job", "ends", "job", "ends", "expected", "job", "ends", "expected", "no-job", "none expected"],
  ]);
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { silentLog } from "@jobscope/labkit";
import { startCoordinator } from "../src/index.ts";
import { aRepository, temporaryFolder } from "./support/temporary-repository.ts";
import { TestRunner } from "./support/test-runner.ts";

const config = `
stages: [a, b]
one: { stage: a, script: [x], retry: 1 }
two: { stage: b, script: [x], needs: [one] }
three: { stage: b, script: [x], when: on_failure }
`;
const program = fileURLToPath(new URL("./support/crashing-coordinator.ts", import.meta.url));

/** Lets a runner work for a coordinator that will die; returns its token once it is dead. */
async function workUntilCrash(dataDir: string, repository: string, writes: number): Promise<string | undefined> {
  const args = ["--conditions=jobscope-source", "--disable-warning=ExperimentalWarning", program, dataDir, repository];
  const child = spawn(process.execPath, [...args, String(writes)], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), closed.then(() => [undefined])]);
  const { url, token } = line === undefined ? { url: "", token: undefined } : JSON.parse(String(line));
  const runner = new TestRunner(url, token ?? "");
  let isFirst = true;
  for (let idle = 0; child.signalCode === null && token !== undefined && idle < 8; ) {
    const job = await runner.requestJob().catch(() => undefined);
    if (job === undefined) idle += 1;
    else await runner.finish(job, { exitCode: isFirst ? 1 : 0 }).catch(() => undefined);
    isFirst &&= job === undefined;
  }
  child.kill("SIGKILL");
  await closed;
  return token;
}

test("killed in the middle of its writes, the next start finishes the pipeline", { timeout: 60_000 }, async () => {
  using folder = temporaryFolder();
  const repository = aRepository(join(folder.path, "app"), { ".gitlab-ci.yml": config });
  for (const writes of [3, 5, 8, 11, 14, 17, 20]) {
    const dataDir = join(folder.path, `data-${writes}`);
    const token = await workUntilCrash(dataDir, repository, writes);
    const telemetry = { form: "none", endpoints: [] } as const;
    await using after = await startCoordinator({
      listen: "127.0.0.1:0",
      dataDir,
      log: silentLog,
      telemetry,
      longPollMs: 50,
    });
    const [pipeline] = after.pipelines();
    if (pipeline === undefined || token === undefined) continue;
    // A job whose hand-out was stored but never answered is still its runner's; the runner has lost it.
    for (const job of pipeline.jobs()) if (job.state === "running") after.cancelJob(job.id, { force: true });
    const runner = new TestRunner(after.url, token);
    for (let job = await runner.requestJob(); job !== undefined; job = await runner.requestJob())
      await runner.finish(job);
    const view = await pipeline.finished;
    const states = pipeline.jobs().map(({ name, attempt, state }) => `${name} ${attempt} ${state}`);
    assert.ok(["success", "canceled"].includes(view.state), `after ${writes} writes: ${states.join(", ")}`);
    const names = new Set(pipeline.jobs().map(({ name }) => name));
    assert.deepEqual([...names].sort(), ["one", "three", "two"], "no job is lost");
    const current = pipeline.jobs().filter(({ retried }) => !retried);
    assert.equal(current.length, 3, `after ${writes} writes, one attempt of each is current: ${states.join(", ")}`);
  }
});

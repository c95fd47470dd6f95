import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { silentLog } from "@jobscope/labkit";
import fc from "fast-check";
import type { FinalUpdateOutcome } from "../src/coordinator-client/final-update.ts";
import type { ReportTiming } from "../src/coordinator-client/job-channel.ts";
import { JobReporter } from "../src/coordinator-client/job-reporter.ts";
import { aClient } from "./support/a-runner.ts";
import {
  type ScriptableCoordinator,
  type ScriptedAnswer,
  startScriptableCoordinator,
} from "./support/scriptable-coordinator.ts";
import { aTextLog, type TextLog } from "./support/text-log.ts";

const signal = new AbortController().signal;
const atOnce = { "retry-after": "0" };
const quick: ReportTiming = { updateIntervalMs: 5, forceSendIntervalMs: 60_000, finalRetryDelayMs: 1, settleMs: 1_000 };

interface Scene {
  readonly coordinator: ScriptableCoordinator;
  readonly reporter: JobReporter;
  readonly log: TextLog;
  /** `cancel` and `abort`, in the order they were asked for. */
  readonly interruptions: string[];
}

async function withReporter(
  run: (scene: Scene) => Promise<void>,
  options: { text?: string; timing?: Partial<ReportTiming>; rounds?: number } = {},
) {
  await using coordinator = await startScriptableCoordinator();
  await using client = aClient(coordinator.url);
  const log = aTextLog(options.text);
  const interruptions: string[] = [];
  const reporter = new JobReporter({
    job: { id: 7, jobToken: "glcbt-7" },
    client,
    source: log,
    log: silentLog,
    isDebugTrace: false,
    finalUpdateRetryLimit: options.rounds ?? 10,
    usesDynamicForceSendInterval: false,
    timing: { ...quick, ...options.timing },
    onCancel: () => interruptions.push("cancel"),
    onAbort: () => interruptions.push("abort"),
  });
  await run({ coordinator, reporter, log, interruptions });
  await reporter.leave();
}

const ranges = (coordinator: ScriptableCoordinator) =>
  coordinator.callsOf("patch").map(({ headers }) => headers["content-range"]);
const states = (coordinator: ScriptableCoordinator) => coordinator.callsOf("update").map(({ json }) => json?.["state"]);

test("a job that ends at once costs one PATCH and one PUT, without waiting for the interval", () =>
  withReporter(
    async ({ coordinator, reporter }) => {
      reporter.start();
      assert.deepEqual(await reporter.finish({ state: "success" }, signal), { kind: "stored" });
      assert.deepEqual(ranges(coordinator), ["0-5"]);
      const [update] = coordinator.callsOf("update");
      assert.deepEqual(update?.json?.["output"], { checksum: "crc32:363a3020", bytesize: 6 });
    },
    { text: "hello\n", timing: { updateIntervalMs: 3_600_000 } },
  ));

test("new bytes are sent every interval, each byte once", () =>
  withReporter(async ({ coordinator, reporter, log }) => {
    reporter.start();
    log.write("one\n");
    await coordinator.waitFor("patch");
    log.write("two\n");
    await coordinator.waitFor("patch", ({ headers }) => headers["content-range"] === "4-7");
    await reporter.finish({ state: "success" }, signal);
    assert.equal(Buffer.concat(coordinator.callsOf("patch").map(({ body }) => body)).toString(), "one\ntwo\n");
  }));

test("a job that prints nothing is reported as alive on the first tick (runner-protocol.md §1.11)", () =>
  withReporter(async ({ coordinator, reporter }) => {
    reporter.start();
    const alive = await coordinator.waitFor("update");
    assert.equal(alive.json?.["state"], "running");
  }));

test("silence for longer than the force-send interval brings another sign of life", () =>
  withReporter(
    async ({ coordinator, reporter, log }) => {
      reporter.start();
      log.write("x");
      await coordinator.waitFor("patch");
      const alive = await coordinator.waitFor("update");
      assert.deepEqual(alive.json?.["output"], { checksum: `crc32:${log.crc32()}`, bytesize: 1 });
    },
    { timing: { forceSendIntervalMs: 20 } },
  ));

test("the coordinator's update interval replaces ours", () =>
  withReporter(async ({ coordinator, reporter, log }) => {
    coordinator.script("patch", { status: 202, headers: { "x-gitlab-trace-update-interval": "900" } });
    log.write("one");
    reporter.start();
    await coordinator.waitFor("patch");
    log.write("two");
    await reporter.finish({ state: "success" }, signal);
    assert.deepEqual(ranges(coordinator), ["0-2", "3-5"]);
  }));

for (const kind of ["patch", "update"] as const) {
  test(`canceling on a ${kind} answer cancels once, and reports go on`, () =>
    withReporter(async ({ coordinator, reporter, log, interruptions }) => {
      coordinator.always(kind, () => ({
        status: kind === "patch" ? 202 : 200,
        headers: { "job-status": "canceling" },
      }));
      if (kind === "patch") log.write("a");
      reporter.start();
      await coordinator.waitFor(kind);
      log.write("b");
      await coordinator.waitFor("patch", ({ body }) => body.toString().includes("b"));
      assert.deepEqual(interruptions, ["cancel"]);
    }));

  test(`a final Job-Status on a ${kind} answer aborts once and ends the periodic reports`, () =>
    withReporter(async ({ coordinator, reporter, log, interruptions }) => {
      coordinator.always(kind, () => ({ status: kind === "patch" ? 202 : 200, headers: { "job-status": "canceled" } }));
      if (kind === "patch") log.write("a");
      reporter.start();
      await coordinator.waitFor(kind);
      await reporter.leave();
      assert.deepEqual(interruptions, ["abort"]);
      assert.equal(coordinator.callsOf(kind).length, 1);
    }));
}

test("a canceling that comes with a failed answer is heard", () =>
  withReporter(async ({ coordinator, reporter, log, interruptions }) => {
    coordinator.script("patch", { status: 400, headers: { "job-status": "canceling" } });
    log.write("a");
    reporter.start();
    await coordinator.waitFor("patch", ({ headers }) => headers["content-range"] === "0-0");
    await reporter.finish({ state: "failed", failureReason: "job_canceled" }, signal);
    assert.deepEqual(interruptions, ["cancel"]);
  }));

for (const status of ["success", "failed", "canceled"]) {
  test(`a final update that is answered with Job-Status: ${status} is stored and aborts nothing`, () =>
    withReporter(
      async ({ coordinator, reporter, interruptions }) => {
        coordinator.always("update", () => ({ status: 200, headers: { "job-status": status } }));
        const outcome = await reporter.finish({ state: "failed", failureReason: "script_failure" }, signal);
        assert.deepEqual([outcome.kind, interruptions], ["stored", []]);
        assert.deepEqual(states(coordinator), ["failed"]);
      },
      { text: "hello\n" },
    ));
}

test("a job that is taken away during its final phase is finished, not aborted, and its state still told", () =>
  withReporter(
    async ({ coordinator, reporter, interruptions }) => {
      coordinator.script("patch", { status: 202, headers: { "job-status": "canceled" } });
      const outcome = await reporter.finish({ state: "success" }, signal);
      assert.deepEqual([outcome.kind, interruptions, states(coordinator)], ["stored", [], ["success"]]);
    },
    { text: "hello\n" },
  ));

interface FinalCase {
  readonly name: string;
  readonly script: { readonly patch?: readonly ScriptedAnswer[]; readonly update?: readonly ScriptedAnswer[] };
  readonly expected: FinalUpdateOutcome["kind"];
  readonly ranges: readonly string[];
  readonly puts: number;
}

/** How the final phase ends. Source: runner-protocol.md §1.9 to §1.11. */
const finals: readonly FinalCase[] = [
  {
    name: "403 on the log gives up the log, not the state",
    script: { patch: [{ status: 403 }], update: [{ status: 403 }] },
    expected: "not-ours",
    ranges: ["0-5"],
    puts: 1,
  },
  {
    name: "404 on the log gives up the log, not the state",
    script: { patch: [{ status: 404 }] },
    expected: "stored",
    ranges: ["0-5"],
    puts: 1,
  },
  {
    name: "403 on the state ends it",
    script: { update: [{ status: 403 }] },
    expected: "not-ours",
    ranges: ["0-5"],
    puts: 1,
  },
  {
    name: "404 on the state ends it",
    script: { update: [{ status: 404 }] },
    expected: "not-ours",
    ranges: ["0-5"],
    puts: 1,
  },
  {
    name: "416 continues at the exclusive end of its Range",
    script: { patch: [{ status: 416, headers: { range: "0-2" } }] },
    expected: "stored",
    ranges: ["0-5", "2-5"],
    puts: 1,
  },
  {
    name: "202 repeats the state until it is 200",
    script: { update: [{ status: 202 }, { status: 202 }] },
    expected: "stored",
    ranges: ["0-5"],
    puts: 3,
  },
  {
    name: "412 sends the whole log again",
    script: { update: [{ status: 412 }] },
    expected: "stored",
    ranges: ["0-5", "0-5"],
    puts: 2,
  },
  {
    name: "a reset connection is tried again in another round",
    script: { patch: [{ misbehave: "reset" }], update: [{ misbehave: "reset" }] },
    expected: "stored",
    ranges: ["0-5", "0-5"],
    puts: 2,
  },
  {
    name: "an answer that means nothing is tried again in another round",
    script: { update: [{ status: 204 }, { status: 409 }] },
    expected: "stored",
    ranges: ["0-5"],
    puts: 3,
  },
];

for (const { name, script, expected, ranges: sent, puts } of finals) {
  test(`final phase: ${name}`, () =>
    withReporter(
      async ({ coordinator, reporter }) => {
        coordinator.script("patch", ...(script.patch ?? []));
        coordinator.script("update", ...(script.update ?? []));
        const outcome = await reporter.finish({ state: "success" }, signal);
        assert.equal(outcome.kind, expected);
        assert.deepEqual(ranges(coordinator), sent);
        assert.equal(coordinator.callsOf("update").length, puts);
      },
      { text: "hello\n" },
    ));
}

test("the final update is given up after its rounds", () =>
  withReporter(
    async ({ coordinator, reporter }) => {
      coordinator.always("update", () => ({ status: 500, headers: atOnce }));
      const outcome = await reporter.finish({ state: "failed", failureReason: "script_failure" }, signal);
      assert.deepEqual([outcome.kind, outcome.kind === "given-up" && outcome.rounds], ["given-up", 2]);
      assert.equal(coordinator.callsOf("update").length, 2 * 5);
    },
    { rounds: 2 },
  ));

test("a coordinator that never agrees on the log does not keep us for ever", () =>
  withReporter(
    async ({ coordinator, reporter }) => {
      coordinator.always("patch", () => ({ status: 416, headers: { range: "0-1" } }));
      const outcome = await reporter.finish({ state: "success" }, signal);
      assert.equal(outcome.kind, "given-up");
    },
    { text: "hello\n", rounds: 1, timing: { updateIntervalMs: 1 } },
  ));

test("a coordinator that claims more bytes than there are gets the state nevertheless", () =>
  withReporter(
    async ({ coordinator, reporter }) => {
      coordinator.script("patch", { status: 416, headers: { range: "0-999" } });
      assert.equal((await reporter.finish({ state: "success" }, signal)).kind, "stored");
      assert.deepEqual(states(coordinator), ["success"]);
    },
    { text: "hello\n" },
  ));

test("a report that hangs does not keep the job's end waiting", () =>
  withReporter(
    async ({ coordinator, reporter, log }) => {
      coordinator.script("patch", { misbehave: "hang" });
      log.write("one");
      reporter.start();
      await coordinator.waitFor("patch");
      assert.equal((await reporter.finish({ state: "success" }, signal)).kind, "stored");
      assert.deepEqual(ranges(coordinator), ["0-2", "0-2"]);
    },
    { timing: { settleMs: 10 } },
  ));

test("a long log goes in slices of 1 MiB", () =>
  withReporter(
    async ({ coordinator, reporter }) => {
      await reporter.finish({ state: "success" }, signal);
      assert.deepEqual(ranges(coordinator), ["0-1048575", "1048576-1048583"]);
    },
    { text: "x".repeat(1024 * 1024 + 8) },
  ));

test("the offset never skips a byte, whatever the coordinator stored of each slice", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 5 }),
      fc.array(fc.constantFrom("store", "lose", "store, then reset", "half"), { maxLength: 6 }),
      async (writes, behaviours) => {
        let stored = Buffer.alloc(0);
        const faults = [...behaviours];
        await withReporter(
          async ({ coordinator, reporter, log }) => {
            coordinator.always("patch", ({ headers, body }) => {
              const first = Number(String(headers["content-range"]).split("-")[0]);
              if (first !== stored.length) return { status: 416, headers: { range: `0-${stored.length}` } };
              const fault = faults.shift() ?? "store";
              if (fault === "lose") return { misbehave: "reset" };
              stored = Buffer.concat([stored, fault === "half" ? body.subarray(0, body.length / 2) : body]);
              if (fault === "store, then reset") return { misbehave: "reset" };
              if (fault === "half") return { status: 416, headers: { range: `0-${stored.length}` } };
              return { status: 202, headers: { range: `0-${stored.length}` } };
            });
            for (const text of writes) log.write(text);
            reporter.start();
            assert.equal((await reporter.finish({ state: "success" }, signal)).kind, "stored");
            assert.equal(stored.toString(), writes.join(""));
            const final = coordinator.callsOf("update").at(-1)?.json;
            assert.equal(final?.["checksum"], `crc32:${crc32(stored).toString(16).padStart(8, "0")}`);
          },
          { timing: { updateIntervalMs: 1 } },
        );
      },
    ),
    { numRuns: 30 },
  );
});

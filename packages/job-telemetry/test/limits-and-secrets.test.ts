import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpanAttributes } from "@jobscope/job-telemetry";
import { createMasker, spansToOtlpJson } from "@jobscope/labkit";
import fc from "fast-check";
import { secret, startTestJob } from "./support/traced-job.ts";

test("commands and sections are given up first, functions next, stages and the job never", () => {
  const { trace, ended } = startTestJob({ policy: { maxSpansPerJob: 100, commandSpans: true } });
  const script = trace.startStage({ name: "step_script" });
  for (let index = 0; index < 200; index += 1) {
    script.startCommand({ text: "true" }).end();
    script.startSection({ name: "s" }).end();
  }
  for (let index = 0; index < 200; index += 1)
    trace.startFunction({ name: "f", functionName: "f", version: "", type: "exec" }).end({ status: "success" });
  for (let index = 0; index < 20; index += 1) trace.startStage({ name: "upload_artifacts" }).end({ status: "success" });
  trace.end({ status: "success" });
  const count = (name: string) => ended.filter((span) => span.name === name).length;
  assert.equal(count("command") + count("section"), 88);
  assert.equal(count("f"), 5);
  assert.equal(count("upload_artifacts"), 20);
  assert.equal(count("job_execution"), 1);
  assert.equal(trace.stats().droppedSpans, 400 - 88 + 195);
  assert.equal(ended.at(-1)?.attributes["ci.telemetry.dropped_spans"], 400 - 88 + 195);
});

test("the default limit is GitLab's thousand, with room for the stages after the script", () => {
  const { trace, ended } = startTestJob();
  const script = trace.startStage({ name: "step_script" });
  for (let index = 0; index < 5000; index += 1)
    script.recordSection({ kind: "start", name: `s${index}`, unixSeconds: 1, options: new Map() });
  script.end({ status: "success" });
  for (const name of ["after_script", "archive_cache", "upload_artifacts"])
    trace.startStage({ name }).end({ status: "success" });
  trace.end({ status: "success" });
  assert.ok(ended.length <= 1000);
});

const long = "ä".repeat(5000);

test("values are cut at 4 KiB, never inside a character, and counted on the job", () => {
  const { trace, span } = startTestJob();
  const stage = trace.startStage({ name: long, attributes: { "ci.cache.key": `x${long}` } });
  stage.setAttributes({ "ci.executor.services": [long, long, "third"] });
  stage.end({ status: "failed", message: `${"🎈".repeat(2000)}`, errorType: long });
  trace.end({ status: "success" });
  const [first] = [span("ä".repeat(2048))];
  assert.equal(first?.attributes["ci.cache.key"], `x${"ä".repeat(2047)}`);
  assert.deepEqual(first?.attributes["ci.executor.services"], ["ä".repeat(2048)]);
  assert.equal(first?.status.message, "🎈".repeat(1024));
  assert.equal(Buffer.byteLength(String(first?.attributes["error.type"])), 4096);
  assert.equal(span("job_execution").attributes["ci.telemetry.truncated_values"], 7);
});

test("a text without measure is not looked at, and not sent", () => {
  const { trace, span } = startTestJob();
  trace.startStage({ name: "step_script", attributes: { "ci.cache.key": `${"x".repeat(300_000)}${secret}` } });
  trace.end({ status: "success" });
  assert.equal(span("step_script").attributes["ci.cache.key"], "[300021 characters left out]");
});

test("a secret that the cut would split is masked before the cut", () => {
  const { trace, span } = startTestJob();
  trace.startStage({ name: "step_script", attributes: { "ci.cache.key": "x".repeat(4090) + secret } });
  trace.end({ status: "success" });
  assert.equal(span("step_script").attributes["ci.cache.key"], `${"x".repeat(4090)}[MASKE`);
});

test("text that is no Unicode becomes Unicode, a value of no type is left out", () => {
  const { trace, span } = startTestJob();
  const odd = {
    "ci.cache.key": "a\ud800b",
    "ci.cache.files": Number.NaN,
    "ci.cache.policy": { toString: () => "x" },
    "ci.runner.tags": [1, "t"],
    "ci.cache.size_bytes": null,
  };
  trace.startStage({ name: "", attributes: odd as unknown as SpanAttributes });
  trace.end({ status: "success" });
  const { attributes } = span("unnamed");
  assert.equal(attributes["ci.cache.key"], "a\ufffdb");
  assert.deepEqual(attributes["ci.runner.tags"], ["t"]);
  assert.deepEqual(
    Object.keys(attributes).filter((key) => /files|policy|size/.test(key)),
    [],
  );
});

test("no secret gets past in any text of any span, in none of its disguises", () => {
  const base64 = Buffer.from(`user:${secret}`).toString("base64");
  const texts = [
    secret,
    `a ${secret} b`,
    encodeURIComponent(`${secret}/ä`),
    base64,
    "glpat-abcdefghij0123456789",
    `https://u:${secret}@h/?private_token=${secret}`,
  ];
  for (const text of texts) {
    const { trace, ended } = startTestJob({
      policy: { serviceName: text, commandSpans: true },
      job: {
        pipelineId: text,
        pipelineSource: text,
        jobName: text,
        jobUrl: text,
        ref: text,
        sha: text,
        repositoryUrl: text,
        changeId: text,
        projectPath: text,
      },
      runner: { description: text, executor: text, systemId: text, tags: ["ok", text], version: text },
    });
    const stage = trace.startStage({ name: text, stageName: text, attributes: { "ci.cache.key": text } });
    stage.startCommand({ text });
    stage.startSection({ name: text });
    stage
      .startFunction({ name: text, functionName: text, version: text, type: "exec" })
      .end({ status: "failed", errorType: text });
    stage.setAttributes({ [text]: "a name" } as SpanAttributes);
    stage.end({ status: "failed", message: text, error: new Error(text) });
    trace.end({ status: "failed", failureReason: text, message: text, error: new TypeError(text) });
    const json = spansToOtlpJson(ended);
    assert.ok(!json.includes(secret) && !json.includes(base64) && !json.includes("abcdefghij0123456789"), text);
    assert.ok(Number(ended.at(-1)?.attributes["ci.telemetry.masked_values"]) >= 10);
  }
});

test("a secret that is learnt during the job is masked from then on", () => {
  const masker = createMasker({ phrases: [] });
  const { trace, span } = startTestJob({ masker });
  using _ = masker.add(["learnt-later"]);
  trace.addSecrets(["learnt-at-last"]);
  const stage = trace.startStage({ name: "step_script", attributes: { "ci.cache.key": "learnt-later" } });
  stage.end({ status: "failed", message: "no learnt-at-last here" });
  trace.end({ status: "success" });
  assert.equal(span("step_script").attributes["ci.cache.key"], "[MASKED]");
  assert.equal(span("step_script").status.message, "no [MASKED] here");
});

test("whatever surrounds it, a secret is in no exported byte", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.nat(4200),
      (before, after, padding) => {
        const { trace, ended } = startTestJob();
        const text = `${"p".repeat(padding)}${before}${secret}${after}`;
        trace
          .startStage({ name: text, attributes: { "ci.cache.key": text, "ci.runner.tags": [before, text] } })
          .end({ status: "failed", message: text });
        trace.end({ status: "canceled", message: text });
        assert.ok(!spansToOtlpJson(ended).includes(secret));
      },
    ),
    { numRuns: 100 },
  );
});

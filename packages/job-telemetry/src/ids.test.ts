import assert from "node:assert/strict";
import { test } from "node:test";
import { childSpanId, jobSpanId, pipelineSpanId, railsSpanId, traceIdOfPipeline } from "./ids.ts";

const job = { coordinatorUrl: "https://gitlab.example.com", jobId: 4711 };

/** Computed with coreutils: `printf %s "<text>" | sha256sum | cut -c1-16`. */
const vectors = [
  {
    text: "1234:4711:lifecycle",
    id: "aa7fe1ef3a10f3bb",
    of: () => railsSpanId({ rootPipelineId: 1234, jobId: 4711, kind: "lifecycle" }),
  },
  {
    text: "1234:4711:pending",
    id: "a33a818993c2590c",
    of: () => railsSpanId({ rootPipelineId: "1234", jobId: 4711, kind: "pending" }),
  },
  {
    text: "1234:4711:running",
    id: "57a545e004d16300",
    of: () => railsSpanId({ rootPipelineId: 1234, jobId: 4711, kind: "running" }),
  },
  { text: "pipeline:1234", id: "cdb3fb4fb258d473", of: () => pipelineSpanId(1234) },
  { text: "job_execution:https://gitlab.example.com:4711", id: "88b2c23d8c1e8641", of: () => jobSpanId(job) },
  {
    text: "job_execution:https://gitlab.example.com:4711:88b2c23d8c1e8641:get_sources:2",
    id: "064df040f3e02a93",
    of: () => childSpanId(job, { parentSpanId: jobSpanId(job), name: "get_sources", ordinal: 2 }),
  },
];

for (const { text, id, of } of vectors) {
  test(`the span id of ${text} is the beginning of its SHA-256`, () => assert.equal(of(), id));
}

const pipelines = [
  { id: 1, traceId: "00000000000000000000000000000001" },
  { id: "1234", traceId: "000000000000000000000000000004d2" },
  { id: 2n ** 128n - 1n, traceId: "ffffffffffffffffffffffffffffffff" },
  { id: 2n ** 128n, traceId: undefined },
  { id: 0, traceId: undefined },
  { id: -3, traceId: undefined },
  { id: 1.5, traceId: undefined },
  { id: "0x10", traceId: undefined },
  { id: "", traceId: undefined },
  { id: "007", traceId: undefined },
];

for (const { id, traceId } of pipelines) {
  test(`pipeline ${JSON.stringify(String(id))} has trace id ${traceId}`, () =>
    assert.equal(traceIdOfPipeline(id), traceId));
}

const spellings = [
  "https://gitlab.example.com/",
  "https://GitLab.Example.com",
  "https://user:secret@gitlab.example.com:443/?x=1",
  "HTTPS://gitlab.example.com///",
];

for (const coordinatorUrl of spellings) {
  test(`a job of ${coordinatorUrl} has the id it has at the plain URL`, () => {
    assert.equal(jobSpanId({ ...job, coordinatorUrl }), jobSpanId(job));
  });
}

test("jobs of two coordinators, and of two paths of one host, have different ids", () => {
  const urls = ["https://a.example", "https://b.example", "https://a.example/gitlab", "http://a.example"];
  assert.equal(new Set(urls.map((coordinatorUrl) => jobSpanId({ coordinatorUrl, jobId: 1 }))).size, urls.length);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { startStack, startTestCollector } from "../support/stack.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { temporaryRepository } from "../support/temporary-repository.ts";

/** Sends one span as OTLP JSON with the job's token, and prints the answer's status. */
const sender = `
const [, url, traceId, name] = process.argv;
const span = { traceId, spanId: "00f067aa0ba902b7", name, startTimeUnixNano: "1", endTimeUnixNano: "2" };
const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...span, startTimeUnixNano: Date.now() + "000000", endTimeUnixNano: Date.now() + "000000" }] }] }] });
const headers = { "content-type": "application/json", authorization: "Bearer " + process.env.CI_JOB_TOKEN };
fetch(url + "/v1/traces", { method: "POST", headers, body }).then(({ status }) => console.log(name, status));
`;

test("a job's own tools send spans with its token, into its own trace alone", async () => {
  await using directory = await temporaryDirectory();
  await using stack = await startStack({ endpointUrls: [] });
  await using collector = await startTestCollector(`${directory.path}/store`, { jobTokensOf: stack.coordinator.url });
  const send = (traceId: string, name: string) =>
    `"${process.execPath}" -e "$SENDER" "${collector.otlpHttpUrl}" ${traceId} ${name}`;
  const script = [send("$(printf %032x $CI_PIPELINE_ID)", "own"), send("0af7651916cd43dd8448eb211c80319c", "foreign")];
  await using repository = await temporaryRepository({
    ".gitlab-ci.yml": JSON.stringify({ job: { variables: { SENDER: { value: sender, expand: false } }, script } }),
  });
  const pipeline = await stack.coordinator.createPipeline({ repository: repository.path });
  await pipeline.finished;
  const [job] = pipeline.jobs();
  const log = Buffer.from(await stack.coordinator.readJobLog(job?.id ?? 0)).toString();
  assert.match(log, /own 200/);
  assert.match(log, /foreign 403/);
  assert.equal(collector.stats().storedSpans, 1);
  assert.equal(collector.stats().refusedSenders["foreign-trace"], 1);
});

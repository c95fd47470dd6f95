import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runningCoordinator } from "./support/running-coordinator.ts";
import type { TestPayload } from "./support/test-runner.ts";

/** Requests of GitLab's own runner 15.4.0 (shell executor) as they were sent, with the status that GitLab answers. */
interface RecordedRequest {
  case: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
  status: number;
}

const recorded = JSON.parse(
  readFileSync(new URL("./fixtures/official-runner-15.4.json", import.meta.url), "utf8"),
) as RecordedRequest[];
const cases = [...new Set(recorded.map((request) => request.case))];

/** Sends a recorded request with today's ids and tokens in place of the recorded ones. */
function send(url: string, recording: RecordedRequest, runnerToken: string, job: TestPayload | undefined) {
  const path = job === undefined ? recording.path : recording.path.replace(/jobs\/\d+/, `jobs/${job.id}`);
  const token = recording.path.endsWith("/jobs/request") ? runnerToken : (job?.token ?? "");
  const headers = {
    ...recording.headers,
    ...(recording.headers["job-token"] === undefined ? {} : { "job-token": token }),
  };
  return fetch(url + path, { method: recording.method, headers, body: bodyOf(recording.body, token) });
}

function bodyOf(body: unknown, token: string): string | Uint8Array<ArrayBuffer> {
  if (typeof body === "string") return body;
  const { base64 } = body as { base64?: string };
  return base64 === undefined
    ? JSON.stringify({ ...(body as object), token })
    : new Uint8Array(Buffer.from(base64, "base64"));
}

test("recorded conversations of the official runner go as with GitLab", async (context) => {
  const config = cases.map((name) => `${name}: { script: [x] }`).join("\n");
  await using stack = await runningCoordinator(config, { longPollMs: 100 });
  const { coordinator, repository } = stack;
  const { token } = coordinator.createRunnerToken({ description: "official" });
  const pipeline = await coordinator.createPipeline({ repository });
  for (const name of cases) {
    await context.test(name, async () => {
      let job: TestPayload | undefined;
      let log = "";
      const requests = recorded.filter((request) => request.case === name);
      // A poll that found nothing is of the recording's timing: here the next job is already waiting.
      for (const recording of requests.filter(({ status }) => status !== 204)) {
        const response = await send(coordinator.url, recording, token, job);
        assert.equal(response.status, recording.status, `${recording.method} ${recording.path}`);
        if (recording.path.endsWith("/jobs/request")) {
          job = (await response.json()) as TestPayload;
          assert.match(`${response.headers.get("content-type")}`, /^application\/json/);
        }
        if (recording.method === "PATCH") log += recording.body;
      }
      const done = pipeline.jobs().find((entry) => entry.name === name);
      const verdict = requests.findLast((request) => request.method === "PUT");
      assert.partialDeepStrictEqual(verdict?.body, { state: done?.state });
      assert.equal(Buffer.from(await coordinator.readJobLog(done?.id ?? 0)).toString(), log);
      const artifacts = done?.artifacts.map(({ type, format }) => `${type} ${format}`);
      assert.deepEqual(artifacts, name === "artifacts-zip" ? ["archive zip", "cobertura gzip"] : []);
    });
  }
});

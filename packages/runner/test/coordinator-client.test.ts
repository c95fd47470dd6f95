import assert from "node:assert/strict";
import { test } from "node:test";
import type { CoordinatorClient } from "../src/coordinator-client/coordinator-client.ts";
import { CoordinatorError } from "../src/coordinator-client/coordinator-error.ts";
import { aClient } from "./support/a-runner.ts";
import { aJobPayload } from "./support/job-payload.ts";
import {
  type CallKind,
  type ScriptableCoordinator,
  type ScriptedAnswer,
  startScriptableCoordinator,
} from "./support/scriptable-coordinator.ts";

const job = { id: 7, jobToken: "glcbt-7" };
const signal = new AbortController().signal;

async function withClient(run: (coordinator: ScriptableCoordinator, client: CoordinatorClient) => Promise<void>) {
  await using coordinator = await startScriptableCoordinator();
  await using client = aClient(coordinator.url);
  await run(coordinator, client);
}

/** Calls by kind, each with a neutral input, giving the outcome's tag. */
const calls = {
  update: async (client: CoordinatorClient) => (await client.updateJob({ job, state: "running" }, { signal })).kind,
  patch: async (client: CoordinatorClient) => {
    const slice = { job, bytes: Buffer.from("hello"), offset: 0, isDebugTrace: false };
    const outcome = await client.patchJobLog(slice, { signal });
    return outcome.kind === "resume-at" ? `resume-at ${outcome.offset}` : outcome.kind;
  },
  upload: async (client: CoordinatorClient) => {
    const open = async function* () {
      yield Buffer.from("zip");
    };
    const upload = { job, filename: "a.zip", open, type: "archive", format: "zip", expireIn: "" };
    return (await client.uploadArtifact(upload, { signal })).kind;
  },
  download: async (client: CoordinatorClient) => {
    const outcome = await client.downloadArtifact({ job, allowsDirectDownload: true }, { signal });
    if (outcome.kind === "archive") outcome.body.destroy();
    return outcome.kind;
  },
  request: async (client: CoordinatorClient) => {
    try {
      return (await client.requestJob({ signal })).kind;
    } catch (error) {
      return error instanceof CoordinatorError ? `error, retryable: ${error.retryable}` : "another error";
    }
  },
};

const fast = { headers: { "retry-after": "0" } };

/** What each answer means. Sources: runner-protocol.md §1.7 (request), §1.9 (patch), §1.10 (update), §1.12 (artifacts). */
const outcomes: readonly { kind: keyof typeof calls & CallKind; answer: ScriptedAnswer; expected: string }[] = [
  { kind: "update", answer: { status: 200 }, expected: "stored" },
  { kind: "update", answer: { status: 202 }, expected: "accepted" },
  { kind: "update", answer: { status: 412 }, expected: "log-mismatch" },
  { kind: "update", answer: { status: 403 }, expected: "abort" },
  { kind: "update", answer: { status: 404 }, expected: "abort" },
  { kind: "update", answer: { status: 204 }, expected: "failed" },
  { kind: "update", answer: { status: 409 }, expected: "failed" },
  { kind: "update", answer: { status: 500, ...fast }, expected: "failed" },
  { kind: "update", answer: { misbehave: "reset" }, expected: "failed" },
  { kind: "update", answer: { status: 200, body: "{}", misbehave: "truncate" }, expected: "failed" },
  { kind: "update", answer: { status: 200, headers: { "job-status": "canceled" } }, expected: "abort" },
  { kind: "update", answer: { status: 412, headers: { "job-status": "failed" } }, expected: "abort" },
  { kind: "update", answer: { status: 200, headers: { "job-status": "canceling" } }, expected: "stored" },
  { kind: "update", answer: { status: 200, headers: { "job-status": "from_the_future" } }, expected: "stored" },
  { kind: "patch", answer: { status: 202 }, expected: "stored" },
  { kind: "patch", answer: { status: 200 }, expected: "failed" },
  { kind: "patch", answer: { status: 403 }, expected: "abort" },
  { kind: "patch", answer: { status: 404 }, expected: "not-found" },
  { kind: "patch", answer: { status: 416, headers: { range: "0-3" } }, expected: "resume-at 3" },
  { kind: "patch", answer: { status: 416, headers: { range: "bytes 0-3" } }, expected: "resume-at 0" },
  { kind: "patch", answer: { status: 416 }, expected: "resume-at 0" },
  { kind: "patch", answer: { status: 202, headers: { "job-status": "canceled" } }, expected: "abort" },
  { kind: "patch", answer: { misbehave: "reset" }, expected: "failed" },
  { kind: "upload", answer: { status: 201 }, expected: "stored" },
  { kind: "upload", answer: { status: 200 }, expected: "failed" },
  { kind: "upload", answer: { status: 403 }, expected: "forbidden" },
  { kind: "upload", answer: { status: 413 }, expected: "too-large" },
  { kind: "upload", answer: { status: 503, ...fast }, expected: "unavailable" },
  { kind: "upload", answer: { status: 307 }, expected: "failed" },
  { kind: "upload", answer: { misbehave: "reset" }, expected: "failed" },
  { kind: "download", answer: { status: 200, body: "zip" }, expected: "archive" },
  { kind: "download", answer: { status: 401 }, expected: "forbidden" },
  { kind: "download", answer: { status: 403 }, expected: "forbidden" },
  { kind: "download", answer: { status: 404 }, expected: "not-found" },
  { kind: "download", answer: { status: 500 }, expected: "failed" },
  { kind: "download", answer: { misbehave: "reset" }, expected: "failed" },
  { kind: "request", answer: { status: 201, body: aJobPayload() }, expected: "job" },
  { kind: "request", answer: { status: 204 }, expected: "no-job" },
  { kind: "request", answer: { status: 403 }, expected: "refused" },
  { kind: "request", answer: { status: 409 }, expected: "error, retryable: false" },
  { kind: "request", answer: { status: 503, ...fast }, expected: "error, retryable: true" },
  { kind: "request", answer: { misbehave: "reset" }, expected: "error, retryable: true" },
  { kind: "request", answer: { status: 201, body: "{}" }, expected: "unreadable-job" },
  { kind: "request", answer: { status: 201, body: aJobPayload({ steps: 5 }) }, expected: "unreadable-job" },
];

for (const { kind, answer, expected } of outcomes) {
  const { after: _, body: __, ...shown } = answer;
  test(`${kind}: ${JSON.stringify(shown)} means ${expected}`, () =>
    withClient(async (coordinator, client) => {
      coordinator.always(kind, () => answer);
      assert.equal(await calls[kind](client), expected);
    }));
}

test("a slice travels with an inclusive Content-Range and the job token in a header", () =>
  withClient(async (coordinator, client) => {
    await client.patchJobLog({ job, bytes: Buffer.from("hello"), offset: 10, isDebugTrace: true }, { signal });
    const call = await coordinator.waitFor("patch");
    assert.equal(call.path, "/api/v4/jobs/7/trace?debug_trace=true");
    assert.equal(call.headers["content-range"], "10-14");
    assert.equal(call.headers["content-type"], "text/plain");
    assert.equal(call.headers["job-token"], "glcbt-7");
    assert.equal(call.headers["content-length"], "5");
    assert.match(String(call.headers["x-request-id"]), /^[0-9a-f]{32}$/);
    assert.match(String(call.headers["user-agent"]), /^\S+ \d+\.\d+\.\d+ \(main; node[\d.]+; [a-z]+\/[a-z0-9]+\)$/);
    assert.equal(call.body.toString(), "hello");
  }));

test("a final update has checksum and size twice, and no exit code when that is 0", () =>
  withClient(async (coordinator, client) => {
    const log = { crc32: "363a3020", byteLength: 6 };
    await client.updateJob({ job, state: "success", exitCode: 0, log }, { signal });
    await client.updateJob({ job, state: "failed", failureReason: "script_failure", exitCode: 3, log }, { signal });
    const [success, failure] = coordinator.callsOf("update").map(({ json }) => json);
    const { info, ...rest } = success ?? {};
    assert.deepEqual(rest, {
      token: "glcbt-7",
      state: "success",
      checksum: "crc32:363a3020",
      output: { checksum: "crc32:363a3020", bytesize: 6 },
    });
    assert.equal(Object.keys((info as { features: object }).features).length > 25, true);
    assert.deepEqual([failure?.["failure_reason"], failure?.["exit_code"]], ["script_failure", 3]);
  }));

test("the acknowledgement has an empty output", () =>
  withClient(async (coordinator, client) => {
    await client.updateJob({ job, state: "running" }, { signal });
    const { json } = await coordinator.waitFor("update");
    assert.deepEqual([json?.["state"], json?.["output"], json?.["checksum"]], ["running", {}, undefined]);
  }));

test("the last-update cursor is sent back as it came, and kept when an answer has none", () =>
  withClient(async (coordinator, client) => {
    coordinator.script(
      "request",
      { status: 204, headers: { "x-gitlab-last-update": "opaque=1" } },
      { status: 204 },
      { status: 204, headers: { "x-gitlab-last-update": "" } },
    );
    for (let count = 0; count < 4; count += 1) await client.requestJob({ signal });
    const cursors = coordinator.callsOf("request").map(({ json }) => json?.["last_update"]);
    assert.deepEqual(cursors, [undefined, "opaque=1", "opaque=1", "opaque=1"]);
  }));

test("a job request announces only what is implemented and names token and system id", () =>
  withClient(async (coordinator, client) => {
    await client.requestJob({ signal });
    const { json, headers } = await coordinator.waitFor("request");
    assert.deepEqual([json?.["token"], json?.["system_id"]], ["glrt-0123456789", "s_0123456789ab"]);
    assert.equal(headers["runner-token"], "glrt-0123456789");
    const { features, executor, shell } = (json?.["info"] ?? {}) as Record<string, unknown>;
    assert.deepEqual([executor, shell], ["shell", "bash"]);
    const announced = features as Record<string, boolean>;
    for (const name of ["refspecs", "cancel_gracefully", "job_telemetry", "job_inputs", "vault_secrets"]) {
      assert.equal(announced[name], true, name);
    }
    for (const name of ["image", "terminal", "session"]) assert.equal(announced[name], false, name);
  }));

test("an artifact travels as one chunked multipart part named file, opened anew for each attempt", () =>
  withClient(async (coordinator, client) => {
    let opened = 0;
    coordinator.script("upload", { status: 503, ...fast });
    const outcome = await client.uploadArtifact(
      {
        job,
        filename: 'odd "name".zip',
        type: "archive",
        format: "zip",
        expireIn: "2 weeks",
        open: async function* () {
          opened += 1;
          yield Buffer.from("PK\u0003\u0004");
        },
      },
      { signal },
    );
    assert.equal(outcome.kind, "stored");
    assert.equal(opened, 2);
    const [, call] = coordinator.callsOf("upload");
    assert.equal(call?.path, "/api/v4/jobs/7/artifacts?artifact_format=zip&artifact_type=archive&expire_in=2+weeks");
    assert.equal(call?.headers["transfer-encoding"], "chunked");
    const boundary = /boundary=([0-9a-f]+)$/.exec(String(call?.headers["content-type"]))?.[1];
    assert.equal(
      call?.body.toString(),
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="odd \\"name\\".zip"\r\n` +
        `Content-Type: application/octet-stream\r\n\r\nPK\u0003\u0004\r\n--${boundary}--\r\n`,
    );
  }));

test("an upload follows a redirect with its whole body and the job token, but not to another host in the clear", () =>
  withClient(async (coordinator, client) => {
    const open = async function* () {
      yield Buffer.from("zip");
    };
    const upload = { job, filename: "a.zip", open, type: "archive", format: "zip", expireIn: "" };
    coordinator.script("upload", { status: 307, headers: { location: "/api/v4/jobs/8/artifacts?moved=yes" } });
    assert.equal((await client.uploadArtifact(upload, { signal })).kind, "stored");
    const [first, second] = coordinator.callsOf("upload");
    assert.equal(second?.path, "/api/v4/jobs/8/artifacts?moved=yes");
    assert.equal(second?.headers["job-token"], job.jobToken);
    assert.deepEqual(second?.body, first?.body);
    coordinator.script("upload", { status: 307, headers: { location: "http://elsewhere.test/artifacts" } });
    assert.equal((await client.uploadArtifact(upload, { signal })).kind, "failed");
  }));

test("a redirect to object storage is followed without the job token", () =>
  withClient(async (coordinator, client) => {
    await using storage = await startScriptableCoordinator();
    storage.always("other", () => ({ status: 200, body: "the archive" }));
    coordinator.script("download", { status: 302, headers: { location: `${storage.url}/bucket/a.zip?sig=1` } });
    const outcome = await client.downloadArtifact({ job, allowsDirectDownload: true }, { signal });
    assert.equal(outcome.kind, "archive");
    if (outcome.kind !== "archive") return;
    const chunks: Buffer[] = [];
    for await (const chunk of outcome.body) chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).toString(), "the archive");
    assert.equal(outcome.redirectedTo, new URL(storage.url).host);
    assert.equal(coordinator.callsOf("download")[0]?.path, "/api/v4/jobs/7/artifacts?direct_download=true");
    assert.equal(coordinator.callsOf("download")[0]?.headers["job-token"], "glcbt-7");
    assert.equal(storage.calls[0]?.headers["job-token"], undefined);
  }));

test("an aborted call ends with its signal's reason", () =>
  withClient(async (coordinator, client) => {
    coordinator.script("request", { misbehave: "hang" });
    const stopping = new AbortController();
    const asked = client.requestJob({ signal: stopping.signal });
    await coordinator.waitFor("request");
    stopping.abort(new Error("stopping"));
    await assert.rejects(asked, /stopping/);
  }));

test("an error names the operation and the address, never a token", () =>
  withClient(async (coordinator, client) => {
    coordinator.script("request", { status: 409, body: { message: "409 Conflict" } });
    await assert.rejects(client.requestJob({ signal }), (error: Error) => {
      assert.equal(
        error.message,
        `could not request job at ${coordinator.url}/api/v4/jobs/request: status 409 (409 Conflict)`,
      );
      return true;
    });
  }));

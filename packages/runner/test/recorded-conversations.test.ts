import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { aRepository, type Repository } from "./support/a-repository.ts";
import { aVariable } from "./support/job-payload.ts";
import type { RecordedCall, ScriptableCoordinator } from "./support/scriptable-coordinator.ts";
import { finalUpdateOf, withManager } from "./support/with-manager.ts";

/** A job as GitLab's runner 15.4 was handed it, and what it then said. */
interface Conversation {
  readonly case: string;
  readonly payload: Payload;
  readonly calls: readonly RecordedLine[];
}

interface RecordedLine {
  readonly method: string;
  /** Below `/api/v4/`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON without `info`; `base64` of an upload. */
  readonly body?: Readonly<Record<string, unknown>>;
}

interface Payload {
  readonly id: number;
  readonly git_info: Readonly<Record<string, unknown>>;
  readonly runner_info: Readonly<Record<string, unknown>>;
  readonly variables: readonly object[];
  readonly steps: readonly { readonly script: readonly string[] }[];
}

const file = new URL("fixtures/official-runner-15.4/conversations.ndjson", import.meta.url);
const conversations = readFileSync(file, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Conversation);

/** What scripts exited with; 15.4 lost that and always said 1 (runner-protocol.md §1.10). */
const exitCodes: Readonly<Record<string, number>> = { "fails-with-5": 5, "get-sources-fails": 128 };

test("the calls of 15 jobs are those that GitLab's runner 15.4 made, and the newer ones of the protocol", () =>
  withManager(
    async ({ coordinator, directory }) => {
      const repository = aRepository(path.join(directory, "repository"));
      coordinator.script("download", { status: 200, body: "54 bytes that are no archive" });
      coordinator.script(
        "request",
        ...conversations.map(({ payload }) => ({ status: 201, body: asHere(payload, repository) })),
      );
      for (const { case: name, payload, calls } of conversations) {
        await finalUpdateOf(coordinator, payload.id);
        const said = coordinator.calls.filter((call) => isOfJob(call, payload.id));
        assert.deepEqual(said.flatMap(asLine), [acknowledgement(payload.id), ...asToday(calls, name)], name);
        assertWholeLog(coordinator, payload.id, name);
      }
      for (const { headers, json } of coordinator.callsOf("request")) {
        const token = "glrt-0123456789";
        assert.partialDeepStrictEqual(headers, { accept: "application/json", "runner-token": token });
        assert.partialDeepStrictEqual(json, { token, info: { executor: "shell", shell: "bash" } });
      }
    },
    {
      prepare: (coordinator) =>
        coordinator.always("patch", ({ path: at }) => {
          // As recorded: the job was canceled with the answer to its last slice, and its state was told nevertheless.
          const status = at.includes("/jobs/1009/") ? "canceled" : "running";
          return { status: 202, headers: { "job-status": status } };
        }),
    },
  ));

/** The payload with a repository that is there, and without waiting. */
function asHere(payload: Payload, { url, sha }: Repository): object {
  const isMissing = String(payload.git_info["repo_url"]).includes("does-not-exist");
  const git = { repo_url: isMissing ? "/does-not-exist.git" : url, sha };
  const timesOut = payload.runner_info["timeout"] === 2;
  const shorter = (line: string) =>
    timesOut ? line : line.replace("sleep 30", "sleep 0").replace("sleep 1", "sleep 0");
  return {
    ...payload,
    git_info: { ...payload.git_info, ...git },
    runner_info: { timeout: timesOut ? 1 : payload.runner_info["timeout"] },
    variables: [...payload.variables, aVariable("FF_TIMESTAMPS", "false")],
    steps: payload.steps.map((step) => ({ ...step, script: step.script.map(shorter) })),
  };
}

/** The job that asks for another's artifacts does so with the id of that one. */
function isOfJob({ method, path: at }: RecordedCall, id: number): boolean {
  return method === "GET" ? id === 1011 : at.includes(`/jobs/${id}`);
}

type Line = Readonly<Record<string, unknown>>;

/** §1.7: the job is acknowledged, with an empty output. */
function acknowledgement(id: number): Line {
  return {
    call: `PUT jobs/${id}`,
    contentType: "application/json",
    state: "running",
    failureReason: undefined,
    exitCode: undefined,
  };
}

/** What was recorded, as lines; each difference with its rule in runner-protocol.md. */
function asToday(calls: readonly RecordedLine[], name: string): readonly Line[] {
  const lines = calls
    .filter(({ path: at }) => at !== "jobs/request")
    .flatMap(({ method, path: at, headers, body }) => {
      const bytes = Buffer.from(String(body?.["base64"] ?? ""), "base64");
      return lineOf({ method, path: at, headers, json: body, body: bytes });
    });
  const exitCode = exitCodes[name] ?? 1;
  return lines.map((line) => (line["exitCode"] === 1 ? { ...line, exitCode } : line));
}

function asLine(call: RecordedCall): Line[] {
  return lineOf({ ...call, path: call.path.replace("/api/v4/", "") });
}

interface LineSource {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: Readonly<Record<string, unknown>> | undefined;
  readonly body: Buffer;
}

/** A call without what differs from run to run. How often the log is sent is a matter of time: that is checked apart. */
function lineOf({ method, path: at, headers, json, body }: LineSource): Line[] {
  if (method === "PATCH") return [];
  const [bare, query = ""] = at.split("?");
  const call = `${method} ${bare}?${[...new URLSearchParams(query)]
    .map((pair) => pair.join("="))
    .toSorted()
    .join("&")}`.replace(/\?$/, "");
  if (method === "PUT") {
    const { state, failure_reason: failureReason, exit_code: exitCode } = json ?? {};
    return [{ call, contentType: headers["content-type"], state, failureReason, exitCode }];
  }
  const contentType = String(headers["content-type"]).replace(/boundary=.*/, "boundary");
  const jobToken = headers["job-token"];
  return [{ call, contentType, jobToken, part: partOf(body) }];
}

/** The log went in slices that follow each other, and its size and checksum were told with the state (§1.9, §1.10). */
function assertWholeLog(coordinator: ScriptableCoordinator, id: number, name: string): void {
  let offset = 0;
  let checksum = 0;
  for (const { path: at, headers, body } of coordinator.callsOf("patch")) {
    if (!at.includes(`/jobs/${id}/`)) continue;
    assert.equal(headers["content-range"], `${offset}-${offset + body.length - 1}`, name);
    assert.equal(headers["content-type"], "text/plain");
    assert.equal(headers["job-token"], `tok-${id}-abcdefgh`);
    offset += body.length;
    checksum = crc32(body, checksum);
  }
  const final = coordinator.callsOf("update").findLast(({ path: at }) => at.endsWith(`/jobs/${id}`))?.json;
  const told = `crc32:${checksum.toString(16).padStart(8, "0")}`;
  assert.partialDeepStrictEqual(final, { checksum: told, output: { checksum: told, bytesize: offset } }, name);
}

/** The one part of a multipart body: its headers, and its first bytes, which tell the format. */
function partOf(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  const end = body.indexOf("\r\n\r\n");
  const headers = body.subarray(body.indexOf("\r\n") + 2, end).toString();
  return { headers, begins: body.subarray(end + 4, end + 6).toString("hex") };
}

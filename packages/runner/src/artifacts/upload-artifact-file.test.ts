import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { anArtifactStore } from "../../test/support/an-artifact-store.ts";
import { uploadArtifactFile } from "./upload-artifact-file.ts";

/** Source: runner-protocol.md §1.12. */
const cases = [
  { name: "success", statuses: [], tries: 1, fails: undefined },
  { name: "503 and then success", statuses: [503, 503], tries: 3, fails: undefined },
  { name: "403", statuses: Array(9).fill(403), tries: 1, fails: "permission denied" },
  { name: "413", statuses: Array(9).fill(413), tries: 1, fails: "too large" },
  { name: "500", statuses: Array(9).fill(500), tries: 3, fails: "answered 500" },
  { name: "503", statuses: Array(9).fill(503), tries: 6, fails: "service unavailable" },
  { name: "503 and then 500", statuses: [503, 503, 500], tries: 3, fails: "answered 500" },
];

describe("uploading an artifact file", () => {
  for (const { name, statuses, tries, fails } of cases) {
    test(`${name}: ${tries} ${tries === 1 ? "try" : "tries"}, ${fails ?? "stored"}`, async () => {
      const store = anArtifactStore();
      store.uploadStatuses.push(...statuses);
      let opened = 0;
      const open = async function* () {
        opened += 1;
        yield Buffer.from("content");
      };
      const upload = { job: { id: 1, jobToken: "t" }, filename: "a.zip", open, type: "", format: "zip", expireIn: "" };
      const uploading = uploadArtifactFile({
        client: store.client,
        upload,
        report: { info() {}, warning() {}, error() {} },
        signal: new AbortController().signal,
        firstPauseMs: 1,
      });
      if (fails === undefined) assert.deepEqual(await uploading, { retries: tries - 1 });
      else await assert.rejects(uploading, { code: "ARTIFACT_FAILED", message: fails });
      assert.equal(opened, tries);
    });
  }
});

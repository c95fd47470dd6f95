import assert from "node:assert/strict";
import { test } from "node:test";
import { tagsToWrite } from "./version-tags.ts";

// ci-functions.md §2.7
const rows: readonly { version: string; published: string[]; tags: string[] }[] = [
  { version: "1.2.3", published: [], tags: ["1.2.3", "1.2", "1", "latest"] },
  { version: "1.2.3", published: ["1.2.3"], tags: ["1.2.3", "1.2", "1", "latest"] },
  { version: "1.2.3", published: ["1.2.4"], tags: ["1.2.3"] },
  { version: "1.2.10", published: ["1.2.9"], tags: ["1.2.10", "1.2", "1", "latest"] },
  { version: "1.2.3", published: ["1.3.0"], tags: ["1.2.3", "1.2"] },
  { version: "1.2.3", published: ["2.0.0"], tags: ["1.2.3", "1.2", "1"] },
  {
    version: "1.2.3",
    published: ["0.9.9", "1.1.9", "1.2", "3", "latest", "2.0.0-rc.1", "edge"],
    tags: ["1.2.3", "1.2", "1", "latest"],
  },
  { version: "2.0.0-rc.1", published: [], tags: ["2.0.0-rc.1"] },
];

for (const { version, published, tags } of rows) {
  test(`${version} beside ${published.join(", ") || "nothing"} writes ${tags.join(", ")}`, () => {
    assert.deepEqual(tagsToWrite(version, published), tags);
  });
}

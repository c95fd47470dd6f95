import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { FunctionError } from "../function-error.ts";
import { parseExpandedReference, parseReference } from "./parse-reference.ts";
import { describeReference, type FunctionReference, redactCredentials } from "./reference.ts";

const sha = `sha256:${"0a".repeat(32)}`;

interface Row {
  readonly text: string;
  readonly reference: Record<string, unknown>;
  /** Of `describeReference`. */
  readonly name?: string;
  readonly version?: string;
}

// ci-functions.md §2.1 to §2.5
const rows: readonly Row[] = [
  { text: ".", reference: { kind: "path", directory: ".", file: undefined }, name: ".", version: "" },
  { text: " ../redux ", reference: { kind: "path", directory: "../redux", file: undefined } },
  { text: "./path/to/my/file", reference: { kind: "path", directory: "./path/to/my/file", file: undefined } },
  { text: "./path/fn.yml", reference: { kind: "path", directory: "./path", file: "fn.yml" } },
  { text: "./fn.yaml", reference: { kind: "path", directory: "./fn.yaml", file: undefined } },
  { text: "/fn.yml", reference: { kind: "path", directory: "/", file: "fn.yml" } },
  { text: "/path/to//fn/", reference: { kind: "path", directory: "/path/to/fn", file: undefined } },
  { text: "builtin://function/oci/build", reference: { kind: "builtin", name: "function/oci/build" } },
  {
    text: "dist://step/oci/build",
    reference: { kind: "builtin", name: "step/oci/build" },
    name: "builtin://step/oci/build",
  },
  {
    text: "gitlab.com/group/project@v1",
    reference: {
      kind: "git",
      url: "https://gitlab.com/group/project",
      revision: "v1",
      directory: "steps",
      file: undefined,
    },
    name: "gitlab.com/group/project/-/steps",
    version: "v1",
  },
  {
    text: "http://user:p@ss@host:8080/p/-/dir/file.yml@feature/x",
    reference: {
      kind: "git",
      url: "http://user:p@ss@host:8080/p",
      revision: "feature/x",
      directory: "steps/dir",
      file: "file.yml",
    },
    name: "host:8080/p/-/steps/dir/file.yml",
  },
  {
    text: "group/project/fn",
    reference: {
      kind: "oci",
      registry: "registry.gitlab.com",
      repository: "group/project/fn",
      version: "latest",
      directory: "",
      file: undefined,
    },
    name: "registry.gitlab.com/group/project/fn",
    version: "latest",
  },
  {
    text: "localhost:5000/fn:1.2 reverse/func.yml",
    reference: {
      kind: "oci",
      registry: "localhost:5000",
      repository: "fn",
      version: "1.2",
      directory: "reverse",
      file: "func.yml",
    },
    name: "localhost:5000/fn reverse/func.yml",
    version: "1.2",
  },
  {
    text: `registry.example.com/a/b@${sha}`,
    reference: {
      kind: "oci",
      registry: "registry.example.com",
      repository: "a/b",
      version: sha,
      directory: "",
      file: undefined,
    },
  },
  {
    text: `registry.example.com/a/b:1@${sha} x`,
    reference: {
      kind: "oci",
      registry: "registry.example.com",
      repository: "a/b",
      version: sha,
      directory: "x",
      file: undefined,
    },
  },
  { text: "${{ steps.pick.outputs.ref }}", reference: { kind: "dynamic", template: "${{ steps.pick.outputs.ref }}" } },
];

suite("references", () => {
  for (const row of rows) {
    test(JSON.stringify(row.text), () => {
      const reference = parseReference(row.text);
      const { written, ...rest } = { written: undefined, ...reference };
      assert.equal(written, reference.kind === "path" ? row.text.trim() : undefined);
      assert.deepEqual(rest, row.reference);
      const description = describeReference(reference, "9.9");
      if (row.name !== undefined) assert.equal(description.name, row.name);
      if (row.version !== undefined) assert.equal(description.version, row.version);
    });
  }

  for (const text of [
    "",
    "Not/An/Image",
    "ssh://git@host/p@v1",
    "gitlab.com/group/project@.git",
    "gitlab.com/group/project@--upload-pack=x",
    "gitlab.com/group/project@a..b",
    "registry.example.com/a:-x",
    "https://user:sesame@host/project",
    "registry.example.com/a@sha256:123 x",
  ]) {
    test(`${JSON.stringify(text)} is refused without showing credentials`, () => {
      assert.throws(
        () => parseReference(text),
        (error) =>
          error instanceof FunctionError && error.code === "invalid_reference" && !error.message.includes("sesame"),
      );
    });
  }

  test("expanded references start at the root and take a digest for a tag", () => {
    const fields = (entries: Record<string, string>) => new Map(Object.entries(entries));
    assert.deepEqual(parseExpandedReference("git", fields({ url: "gitlab.com/g/p", rev: "main", dir: "/a/b/" })), {
      kind: "git",
      url: "https://gitlab.com/g/p",
      revision: "main",
      directory: "a/b",
      file: undefined,
    } satisfies FunctionReference);
    const oci = { registry: "r.example.com:5000", repository: "a/b" };
    const version = (tag: string) => parseExpandedReference("oci", fields({ ...oci, tag }));
    assert.deepEqual(version(""), {
      kind: "oci",
      registry: "r.example.com:5000",
      repository: "a/b",
      version: "latest",
      directory: "",
      file: undefined,
    } satisfies FunctionReference);
    assert.equal((version(sha) as { version: string }).version, sha);
  });

  test("credentials leave every URL of a text and nothing else does", () => {
    assert.equal(
      redactCredentials("fetch https://u:p@h/x and u:p@host/y, mail a@b.c, host/p@v1"),
      "fetch https://h/x and host/y, mail a@b.c, host/p@v1",
    );
  });
});

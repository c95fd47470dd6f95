import assert from "node:assert/strict";
import { test } from "node:test";
import { isImageReference, parseImageReference, pullNameOf } from "./image-reference.ts";

const digest = `sha256:${"0".repeat(64)}`;

/** Source: runner-protocol.md §4.5, §4.6. */
const cases = [
  { text: "alpine", name: "alpine", repository: "docker.io/library/alpine", tag: undefined, pull: "alpine:latest" },
  { text: "alpine:3", name: "alpine", repository: "docker.io/library/alpine", tag: "3", pull: "alpine:3" },
  { text: "group/tool:1", name: "group/tool", repository: "docker.io/group/tool", tag: "1", pull: "group/tool:1" },
  {
    text: "index.docker.io/library/alpine",
    name: "index.docker.io/library/alpine",
    repository: "docker.io/library/alpine",
    tag: undefined,
    pull: "index.docker.io/library/alpine:latest",
  },
  {
    text: "Registry.Example.com/Group/tool",
    name: "Registry.Example.com/Group/tool",
    repository: "registry.example.com/Group/tool",
    tag: undefined,
    pull: "Registry.Example.com/Group/tool:latest",
  },
  { text: "localhost/x", name: "localhost/x", repository: "localhost/x", tag: undefined, pull: "localhost/x:latest" },
  {
    text: "127.0.0.1:5000/a/b:v1",
    name: "127.0.0.1:5000/a/b",
    repository: "127.0.0.1:5000/a/b",
    tag: "v1",
    pull: "127.0.0.1:5000/a/b:v1",
  },
  {
    text: `tool@${digest}`,
    name: "tool",
    repository: "docker.io/library/tool",
    tag: undefined,
    pull: `tool@${digest}`,
  },
  {
    text: `host:5000/tool:2@${digest}`,
    name: "host:5000/tool",
    repository: "host:5000/tool",
    tag: "2",
    pull: `host:5000/tool:2@${digest}`,
  },
];

for (const { text, name, repository, tag, pull } of cases) {
  test(`the image ${text} is ${repository}`, () => {
    const parsed = parseImageReference(text);
    assert.deepEqual({ name: parsed.name, repository: parsed.repository, tag: parsed.tag }, { name, repository, tag });
    assert.equal(parsed.digest, text.includes("@") ? digest : undefined);
    assert.equal(pullNameOf(text), pull);
    assert.ok(isImageReference(text));
  });
}

const misnamed = [
  "",
  " ",
  "Bad Name!!",
  "../containers/json?all=1",
  "a//b",
  "a:",
  "a@sha256:12",
  "a b",
  "a\nb",
  "alpine:-1",
];

for (const text of misnamed) {
  test(`${JSON.stringify(text)} names no image`, () => assert.ok(!isImageReference(text)));
}

test("the id of an image, whole or its beginning, may stand for its name", () => {
  for (const id of [digest, "0".repeat(64), "0123456789ab"]) assert.ok(isImageReference(id));
});

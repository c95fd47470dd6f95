import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { addRunner, removeRunner, setRunnerKeys } from "./config-text.ts";

const file = `# all jobs of this machine
concurrent = 4 # two per core
future_key = "kept"

[[runners]] # the first
  name = "one"
  token = "glrt-1"
  pre_build_script = """
[[runners]]
echo not a table
"""
  [runners.cache]
    Type = "s3"

[session_server]
  session_timeout = 1800

[[runners]]
  name = "two"
  token = "glrt-2"
  [runners.feature_flags]
    FF_TIMESTAMPS = false
`;

const names = (text: string) =>
  (parse(text)["runners"] as { name: string }[] | undefined)?.map(({ name }) => name) ?? [];

test("an added runner leaves every byte before it as it was", () => {
  const { text, lostComments } = addRunner(file, { name: "three", token: "glrt-3" });
  assert.ok(text.startsWith(file));
  assert.deepEqual(names(text), ["one", "two", "three"]);
  assert.equal(lostComments, false);
});

test("a removed runner takes its own tables along and nothing else", () => {
  const { text, lostComments } = removeRunner(file, 0);
  assert.deepEqual(names(text), ["two"]);
  assert.match(text, /# all jobs of this machine/);
  assert.match(text, /session_timeout = 1800/);
  assert.doesNotMatch(text, /Type = "s3"/);
  assert.equal(lostComments, false);
  assert.deepEqual(names(removeRunner(file, 1).text), ["one"]);
});

test("a set key changes its own line only", () => {
  const { text, lostComments } = setRunnerKeys(file, 0, { token: "glrt-new" });
  assert.equal(text, file.replace('token = "glrt-1"', 'token = "glrt-new"'));
  assert.equal(lostComments, false);
});

test("a key that was not there is added to its runner", () => {
  const { text, lostComments } = setRunnerKeys(file, 1, { id: 7 });
  assert.equal((parse(text)["runners"] as { id?: number }[])[1]?.id, 7);
  assert.equal(lostComments, false);
});

test("an inline array of runners is laid out anew, and that is said", () => {
  const { text, lostComments } = addRunner('# comment\nrunners = [{ name = "one" }]\nfuture = 1\n', { name: "two" });
  assert.equal(lostComments, true);
  assert.deepEqual(names(text), ["one", "two"]);
  assert.equal(parse(text)["future"], 1);
});

test("any edit of any file says what is wanted", () => {
  const name = fc.constantFrom("one", '"', "'''", '"""', "[[runners]]", "a\nb", "# no comment", "");
  const runner = fc.record({ name, token: name, labels: fc.dictionary(fc.constantFrom("a", "b"), name) });
  fc.assert(
    fc.property(fc.array(runner, { minLength: 1, maxLength: 3 }), runner, name, (runners, added, token) => {
      const text = stringify({ concurrent: 2, runners, session_server: { x: 1 } });
      const expected = runners.map((one) => one.name);
      assert.deepEqual(names(addRunner(text, added).text), [...expected, added.name]);
      assert.deepEqual(names(removeRunner(text, 0).text), expected.slice(1));
      const changed = parse(setRunnerKeys(text, 0, { token }).text)["runners"] as { token: string }[];
      assert.equal(changed[0]?.token, token);
    }),
    { numRuns: 200 },
  );
});

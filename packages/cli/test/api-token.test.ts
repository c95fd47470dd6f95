import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { jobscope, makeSurroundings, startJobscope } from "./jobscope-process.ts";

test("trace and sql show the token that a collector's query API asks for, by a flag or a variable", async (t) => {
  const { directory, environment } = makeSurroundings(t);
  const token = "a-token-of-sixteen-characters";
  const tokenFile = join(directory, "readers");
  writeFileSync(tokenFile, `# readers\n\n${token}\n`);
  const data = join(directory, "data");
  const flags = ["--otlp-http", "127.0.0.1:0", "--otlp-grpc", "none", "--api", "127.0.0.1:0", "--data", data];
  const collector = startJobscope(t, ["collector", ...flags, "--api-token-file", tokenFile], { environment });
  const api = (await collector.said(/(?<=query API {2})http\S+/)).trim();
  const withToken = { ...environment, JOBSCOPE_API_TOKEN: token };
  const query = "SELECT 1 FORMAT TSV";
  const [nobody, wrong, byFlag, byVariable, found, trace] = await Promise.all([
    jobscope(t, ["sql", "--api", api, query], { environment }),
    jobscope(t, ["trace", "--api", api], {
      environment: { ...environment, JOBSCOPE_API_TOKEN: "another-token-than-that" },
    }),
    jobscope(t, ["sql", "--api", api, "--api-token-file", tokenFile, query], { environment }),
    jobscope(t, ["sql", "--api", api, query], { environment: withToken }),
    jobscope(t, ["sql", "--data", data, query], { environment: withToken }),
    jobscope(t, ["trace", "--api", api], { environment: withToken }),
  ]);
  assert.deepEqual([nobody.exitCode, wrong.exitCode], [2, 2]);
  for (const { stderr } of [nobody, wrong])
    assert.match(stderr, /not authenticated\n.*--api-token-file FILE, or .*JOBSCOPE_API_TOKEN/);
  for (const { exitCode, stdout, stderr } of [byFlag, byVariable, found])
    assert.deepEqual([exitCode, stdout], [0, "1\n"], stderr);
  assert.match(trace.stdout, /^No pipeline is stored yet/);
  collector.child.kill("SIGTERM");
  assert.equal((await collector.ended).exitCode, 0);
});

test("a file of tokens that cannot be used is told by its flag", async (t) => {
  const { directory, environment } = makeSurroundings(t);
  const empty = join(directory, "empty");
  writeFileSync(empty, "# nothing\n");
  for (const [file, message] of [
    [empty, /--api-token-file: .*empty holds no token/],
    [join(directory, "missing"), /--api-token-file: .*missing cannot be read \(ENOENT\)/],
  ] as const) {
    const { exitCode, stderr } = await jobscope(t, ["sql", "--api-token-file", file, "SELECT 1"], { environment });
    assert.equal(exitCode, 2);
    assert.match(stderr, message);
  }
});

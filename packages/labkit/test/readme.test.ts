import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { promisify } from "node:util";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";

const packageFolder = join(import.meta.dirname, "..");

describe("the examples of the README", () => {
  let examples: readonly string[];
  before(async () => {
    const readme = await readFile(join(packageFolder, "README.md"), "utf8");
    examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
    assert.equal(examples.length, 2);
  });

  test("five lines send a service's spans, with its token", async () => {
    await using receiver = await startOtlpReceiver({ protocol: "grpc" });
    await using folder = await temporaryFolder();
    const token = join(folder.path, "token");
    await writeFile(token, "secret-token");
    const example = (examples[0] ?? "")
      .replace("grpcs://collector.example.com:4317", receiver.url)
      .replace("/run/token", token);
    await run(`${example}\ntrace.getTracer("service").startSpan("work").end();`, {});
    assert.deepEqual(
      receiver.spans.map(({ name }) => name),
      ["work"],
    );
    assert.equal(receiver.requests[0]?.headers["authorization"], "Bearer secret-token");
  });

  test("GITLAB_TRACING says where a service's spans go", async () => {
    await using receiver = await startOtlpReceiver();
    const GITLAB_TRACING = `otlp://127.0.0.1:${receiver.port}?protocol=http&service_name=sidekiq`;
    assert.equal(await run(examples[1] ?? "", { GITLAB_TRACING }), "");
    assert.partialDeepStrictEqual(receiver.spans, [{ name: "work", resource: { "service.name": "sidekiq" } }]);
  });

  test("a GITLAB_TRACING that cannot be used is said, and the service runs untraced", async () => {
    const output = await run(examples[1] ?? "", { GITLAB_TRACING: "otlp://127.0.0.1:1?insekure=true" });
    assert.match(output, /this service is not traced.*unknown option.*insekure/);
  });
});

/** Runs a program in a process of its own, in the package's folder. @returns what it wrote to stderr. */
async function run(code: string, env: Readonly<Record<string, string>>): Promise<string> {
  const flags = ["--conditions=jobscope-source", "--input-type=module-typescript", "--eval", code];
  const { stderr } = await promisify(execFile)(process.execPath, flags, { cwd: packageFolder, env, timeout: 30_000 });
  return stderr;
}

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "labkit-readme-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createEndpointPool, silentLog } from "@jobscope/labkit";
import { startOtlpReceiver } from "@jobscope/labkit/testing";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { jobscope, makeSurroundings, startJobscope } from "./jobscope-process.ts";

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const token = `${part({ alg: "RS256" })}.${part({ iss: "https://issuer", aud: "otel" })}.SIGNATURE`;

describe("jobscope telemetry check", { concurrency: 2 }, () => {
  test("walks every endpoint, shows a token's claims but not its signature, and succeeds", async (t) => {
    await using receiver = await startOtlpReceiver();
    const { environment } = makeSurroundings(t);
    const variables = {
      JOBSCOPE_TELEMETRY_ENDPOINTS_0_URL: receiver.url,
      JOBSCOPE_TELEMETRY_ENDPOINTS_0_BEARER_TOKEN: token,
    };
    const { exitCode, stdout } = await jobscope(t, ["telemetry", "check"], {
      environment: { ...environment, ...variables },
    });
    assert.equal(exitCode, 0);
    const steps = [...stdout.matchAll(/^ {2}✓ (\w+)/gm)].map(([, name]) => name);
    assert.deepEqual(steps, ["specification", "dns", "connect", "token", "export"]);
    assert.match(stdout, /^ +iss: https:\/\/issuer$/m);
    assert.doesNotMatch(stdout, /SIGNATURE/);
    assert.equal(receiver.spans.length, 1);
  });

  test("says what is wrong with one, goes on to the next, and fails", async (t) => {
    await using receiver = await startOtlpReceiver();
    receiver.always({ kind: "status", status: 401 });
    const { directory, environment } = makeSurroundings(t);
    const config = join(directory, "config.toml");
    writeFileSync(
      config,
      `[[telemetry.endpoints]]\nurl = "http://127.0.0.1:1"\n[[telemetry.endpoints]]\nurl = "${receiver.url}"\n`,
    );
    const { exitCode, stdout } = await jobscope(t, ["telemetry", "check", "-c", config, "--json"], { environment });
    assert.equal(exitCode, 1);
    const found = JSON.parse(stdout) as { url: string; steps: { name: string; kind: string; message: string }[] }[];
    assert.deepEqual(
      found.map(({ url, steps }) => [url, steps.at(-1)?.name, steps.at(-1)?.kind]),
      [
        ["http://127.0.0.1:1", "connect", "failed"],
        [receiver.url, "export", "failed"],
      ],
    );
    assert.match(found[1]?.steps.at(-1)?.message ?? "", /401/);
  });

  test("checks a URL as though a payload named it, by the allowed hosts", async (t) => {
    await using receiver = await startOtlpReceiver();
    const { environment } = makeSurroundings(t);
    const allowing = { ...environment, JOBSCOPE_TELEMETRY_PAYLOAD_ENDPOINTS_ALLOWED_HOSTS: "otel.example.com" };
    const [allowed, refused, noToken] = await Promise.all([
      jobscope(t, ["telemetry", "check", receiver.url], { environment }),
      jobscope(t, ["telemetry", "check", receiver.url], { environment: allowing }),
      jobscope(t, ["telemetry", "check", receiver.url, "--gcp-audience", "a"], { environment }),
    ]);
    assert.deepEqual([allowed.exitCode, refused.exitCode, noToken.exitCode], [0, 1, 1]);
    assert.match(refused.stdout, /its host is not allowed.*allowed_hosts/);
    assert.match(noToken.stdout, /no host is allowed to get one/);
    assert.equal(receiver.requests.length, 1);
  });

  test("with nothing to check, or a configuration that cannot be used, it says so with exit code 2", async (t) => {
    const { environment } = makeSurroundings(t);
    const wrong = { ...environment, JOBSCOPE_TELEMETRY_MODE: "on" };
    const [nothing, unusable] = await Promise.all([
      jobscope(t, ["telemetry", "check"], { environment }),
      jobscope(t, ["telemetry", "check"], { environment: wrong }),
    ]);
    assert.deepEqual([nothing.exitCode, unusable.exitCode], [2, 2]);
    assert.match(nothing.stderr, /no telemetry endpoint is configured/);
    assert.match(unusable.stderr, /telemetry\.mode \(JOBSCOPE_TELEMETRY_MODE\): expected one of/);
  });
});

describe("jobscope telemetry status", { concurrency: 2 }, () => {
  test("asks the runner that runs", async (t) => {
    await using receiver = await startOtlpReceiver();
    const { directory, environment } = makeSurroundings(t);
    const config = join(directory, "config.toml");
    writeFileSync(
      config,
      `[[telemetry.endpoints]]\nurl = "${receiver.url}"\n[[runners]]\nurl = "http://127.0.0.1:1"\ntoken = "glrt-0123456789"\nexecutor = "shell"\n`,
    );
    const runner = startJobscope(t, ["run", "-c", config, "--listen-address", "127.0.0.1:0"], { environment });
    const address = (await runner.said(/127\.0\.0\.1:\d+(?=\/metrics)/)).trim();
    const args = ["telemetry", "status", "-c", config, "--listen-address", address];
    const [shown, asJson] = await Promise.all([
      jobscope(t, args, { environment }),
      jobscope(t, [...args, "--json"], { environment }),
    ]);
    assert.equal(shown.exitCode, 0);
    assert.match(shown.stdout, new RegExp(`^${receiver.url} +closed +0 \\(0 B\\)`, "m"));
    assert.partialDeepStrictEqual(JSON.parse(asJson.stdout), {
      pid: runner.child.pid,
      endpoints: [{ breaker: "closed" }],
    });
    runner.child.kill("SIGTERM");
    assert.equal((await runner.ended).exitCode, 0);
  });

  test("looks into the spool when no runner answers, and fails when nobody is there to send what it holds", async (t) => {
    const { directory, environment } = makeSurroundings(t);
    const config = join(directory, "config.toml");
    const url = "http://127.0.0.1:1";
    const toml = `[telemetry]\nspool_dir = "${directory}/spool"\n[[telemetry.endpoints]]\nurl = "${url}"\n`;
    writeFileSync(config, `listen_address = "127.0.0.1:1"\n${toml}`);
    const before = await jobscope(t, ["telemetry", "status", "-c", config], { environment });
    await leaveSpan(url, join(directory, "spool"));
    const after = await jobscope(t, ["telemetry", "status", "-c", config], { environment });
    assert.deepEqual([before.exitCode, after.exitCode], [0, 1]);
    assert.match(before.stdout, /^Nothing is left in /);
    assert.match(after.stderr, /no runner answers at http:\/\/127\.0\.0\.1:1/);
    assert.match(after.stdout, /^http:\/\/127\.0\.0\.1:1 +ended +1 +0 /m);
  });

  test("with neither a runner nor a spool there is nothing to tell", async (t) => {
    const { environment } = makeSurroundings(t);
    const { exitCode, stderr } = await jobscope(t, ["telemetry", "status"], { environment });
    assert.equal(exitCode, 2);
    assert.match(stderr, /no listen_address to be asked at, and it has no spool directory/);
  });
});

/** Ends with one span unsent. */
async function leaveSpan(url: string, directory: string): Promise<void> {
  await using pool = createEndpointPool({ log: silentLog, spool: { directory }, limits: { shutdownFlushMs: 0 } });
  const endpoint = pool.endpoint({ url });
  const keep = {
    onStart() {},
    onEnd: (span: Parameters<typeof endpoint.enqueue>[0]) => endpoint.enqueue(span),
    async forceFlush() {},
    async shutdown() {},
  };
  new TracerProvider({ spanProcessors: [keep] }).getTracer("test").startSpan("left").end();
}

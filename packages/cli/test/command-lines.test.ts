import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { jobscope, makeSurroundings } from "./jobscope-process.ts";

const commands = [
  "exec",
  "trace",
  "sql",
  "up",
  "play",
  "collector",
  "coordinator",
  "function",
  "run",
  "register",
  "run-single",
  "list",
  "verify",
  "unregister",
  "reset-token",
  "telemetry",
  "telemetry check",
  "telemetry status",
  "cache",
  "cache check",
  "helper-image",
  "health-check",
  "lint",
];

test("--help names every command", async (t) => {
  const { exitCode, stdout } = await jobscope(t, ["--help"], makeSurroundings(t));
  assert.equal(exitCode, 0);
  for (const command of commands.filter((name) => !name.includes(" ")))
    assert.match(stdout, new RegExp(`^  ${command} `, "m"));
});

const helpProgram = join(import.meta.dirname, "fixtures", "help-of-commands.ts");

test("--help of each command has examples", () => {
  const args = ["--conditions=jobscope-source", "--disable-warning=ExperimentalWarning", helpProgram, ...commands];
  const texts: unknown = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  assert.ok(Array.isArray(texts));
  for (const [index, command] of commands.entries())
    assert.match(
      String(texts[index]),
      new RegExp(`^Usage: jobscope ${command} [\\s\\S]*Examples:\n  jobscope ${command}`),
    );
});

test("--version is the version, alone and after a command", async (t) => {
  const surroundings = makeSurroundings(t);
  for (const args of [["--version"], ["exec", "--version"]]) {
    const { exitCode, stdout } = await jobscope(t, args, surroundings);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  }
});

const onlyConcurrent = join(import.meta.dirname, "fixtures", "only-concurrent.toml");

const mistakes: readonly {
  name: string;
  args: string[];
  environment?: Readonly<Record<string, string>>;
  message: RegExp;
}[] = [
  { name: "a share that is none", args: ["coordinator", "--sample", "2"], message: /--sample: "2" is no number from/ },
  { name: "an unknown flag", args: ["exec", "--frobnicate"], message: /unknown option '--frobnicate'/ },
  { name: "an unknown command", args: ["frobnicate"], message: /unknown command 'frobnicate'/ },
  { name: "a number of jobs that is none", args: ["exec", "--jobs", "many"], message: /--jobs: "many" is no number/ },
  {
    name: "a variable without a name",
    args: ["exec", "--variable", "=x"],
    message: /--variable: "" is no variable name/,
  },
  {
    name: "a file variable without its file",
    args: ["exec", "--file-variable", "K=/no/file"],
    message: /\/no\/file cannot be read/,
  },
  {
    name: "an endpoint that is no URL",
    args: ["exec", "--otlp-endpoint", "nowhere"],
    message: /--otlp-endpoint: .*nowhere/,
  },
  { name: "an id that is none", args: ["trace", "latest"], message: /"latest" is neither a job id .* nor a trace id/ },
  { name: "a query without a query", args: ["sql"], message: /missing required argument 'query'/ },
  {
    name: "an address without a port",
    args: ["collector", "--api", "localhost"],
    message: /--api: "localhost" is no HOST:PORT/,
  },
  {
    name: "an address beyond loopback where nobody is asked who they are",
    args: ["collector", "--otlp-http", "0.0.0.0:0"],
    message: /0\.0\.0\.0:0 is beyond loopback .* set --auth-token-file, .* or --dangerously-allow-unauthenticated/,
  },
  {
    name: "an issuer without an audience",
    args: ["collector", "--oidc-issuer", "https://issuer.test"],
    message: /--oidc-issuer: each needs its own --oidc-audience; 1 and 0 were given/,
  },
  {
    name: "a claim without a value",
    args: ["collector", "--oidc-claim", "email"],
    message: /--oidc-claim: expected NAME=VALUE, found "email"/,
  },
  {
    name: "a rate that is none",
    args: ["collector", "--max-bytes-per-second", "1MiB"],
    message: /--max-bytes-per-second: "1MiB" is no whole number/,
  },
  {
    name: "job tokens of a coordinator without TLS",
    args: ["collector", "--job-tokens-of", "http://gitlab.test"],
    message: /--job-tokens-of: "http:\/\/gitlab\.test" is no https:\/\/ URL/,
  },
  {
    name: "a certificate without its key",
    args: ["collector", "--tls-cert", "collector.pem"],
    message: /--tls-cert: --tls-cert and --tls-key need each other/,
  },
  {
    name: "a token file that is not there",
    args: ["collector", "--auth-token-file", "/no/tokens"],
    message: /--auth-token-file: \/no\/tokens cannot be read/,
  },
  {
    name: "a configuration that is not there",
    args: ["run", "--config", "/no/config.toml"],
    message: /\/no\/config\.toml/,
  },
  {
    name: "a user that jobs cannot run as",
    args: ["run", "--config", onlyConcurrent, "--user", "somebody-else"],
    message: /user = "somebody-else": jobs run as the user of this process/,
  },
  {
    name: "a metrics address that is none",
    args: ["run", "--config", onlyConcurrent, "--listen-address", "nowhere:x"],
    message: /listen_address: expected "host:port" or ":port", found "nowhere:x"/,
  },
  {
    name: "a log level that there is not",
    args: ["run", "--log-level", "loud"],
    message: /'loud' is invalid\. Allowed choices are debug/,
  },
  {
    name: "a runner without address and token",
    args: ["run-single"],
    message: /missing: --url, --token/,
  },
  {
    name: "a setting that no runner has",
    args: ["register", "-n", "--config", onlyConcurrent, "--dokcer-image", "x"],
    message: /unknown option '--dokcer-image'/,
  },
  {
    name: "nothing to wait for",
    args: ["health-check"],
    message: /no address to check/,
  },
  {
    name: "a query API that is not there",
    args: ["sql", "--api", "http://127.0.0.1:1", "SELECT 1"],
    message: /127\.0\.0\.1:1/,
  },
  {
    name: "an engine that is not there",
    args: ["helper-image"],
    environment: { DOCKER_HOST: "unix:///no/docker.sock" },
    message: /cannot reach the Docker engine: connect ENOENT \/no\/docker\.sock/,
  },
  { name: "a store that is not there", args: ["trace", "1", "--data", "/no/data"], message: /\/no\/data/ },
];

for (const { name, args, environment, message } of mistakes) {
  test(`${name} is told in one message without a stack trace, exit code 2`, async (t) => {
    const surroundings = makeSurroundings(t);
    Object.assign(surroundings.environment, environment);
    const { exitCode, stdout, stderr } = await jobscope(t, args, surroundings);
    assert.equal(exitCode, 2);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n {4}at /);
    assert.doesNotMatch(stderr, /not foreseen/);
    assert.equal(stdout, "");
  });
}

test("--debug shows where an error came from", async (t) => {
  const { stderr } = await jobscope(t, ["trace", "latest", "--debug"], makeSurroundings(t));
  assert.match(stderr, /\n {4}at /);
});

test("a data directory that is a file is told as such", async (t) => {
  const surroundings = makeSurroundings(t);
  const file = join(surroundings.directory, "file");
  writeFileSync(file, "");
  const { exitCode, stderr } = await jobscope(t, ["exec", "--list", "--data", file], surroundings);
  assert.equal(exitCode, 2);
  assert.match(stderr, /the data directory .*file cannot be written: it is no directory/);
});

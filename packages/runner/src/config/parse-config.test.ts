import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "./config-error.ts";
import { parseToml } from "./load-config.ts";
import { parseConfig } from "./parse-config.ts";

const minimal =
  '[[runners]]\nurl = "https://gitlab.example.com/"\ntoken = "glrt-t1_abcdefghijkl"\nexecutor = "shell"\n';
const context = { environment: {}, workingDirectory: "/srv/runner" };

function parse(toml: string, environment: Record<string, string> = {}) {
  return parseConfig(parseToml(toml, "config.toml"), { ...context, environment });
}

function problemsOf(toml: string): readonly string[] {
  try {
    parse(toml);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key, message }) => `${key}: ${message}`);
    throw error;
  }
  return [];
}

test("what the file leaves out has the defaults of runner-protocol.md §6.2 and §6.3", () => {
  const config = parse(minimal);
  const [runner] = config.runners;
  assert.deepEqual(
    [config.concurrent, config.checkIntervalMs, config.shutdownTimeoutMs, config.connectionMaxAgeMs, config.logLevel],
    [1, 3000, 30_000, 900_000, "info"],
  );
  assert.deepEqual(
    [runner?.outputLimitBytes, runner?.unhealthyRequestsLimit, runner?.unhealthyIntervalMs, runner?.limit],
    [4096 * 1024, 3, 3_600_000, 0],
  );
  assert.deepEqual(
    [runner?.requestConcurrency, runner?.finalUpdateRetryLimit, runner?.shortToken],
    [1, 10, "abcdefghi"],
  );
  assert.equal(config.telemetry.policy.mode, "negotiated");
});

test("keys are found in any letter case, and the user's own keys keep theirs", () => {
  const config = parse(
    'CONCURRENT = 4\n[[Runners]]\nURL = "https://g"\nToken = "t"\nExecutor = "shell"\n[Runners.Feature_Flags]\nFF_TIMESTAMPS = false\n[Runners.Cache]\nmaxuploadedarchivesize = 5\n',
  );
  assert.equal(config.concurrent, 4);
  assert.deepEqual(config.runners[0]?.featureFlags, { FF_TIMESTAMPS: false });
  assert.equal(config.runners[0]?.cache.maxUploadedArchiveBytes, 5);
});

test("durations are Go's texts or nanoseconds", () => {
  const config = parse(`connection_max_age = "1h30m"\n${minimal}unhealthy_interval = 5000000000\n`);
  assert.equal(config.connectionMaxAgeMs, 5_400_000);
  assert.equal(config.runners[0]?.unhealthyIntervalMs, 5000);
});

test("url and token take the environment's values", () => {
  const braced = (name: string) => `$\{${name}}`;
  const toml = `[[runners]]\nurl = "https://$HOST/${braced("PATH_PART")}"\ntoken = "${braced("TOKEN")}"\nexecutor = "shell"\n`;
  const [runner] = parse(toml, { HOST: "g.example", PATH_PART: "x", TOKEN: "glrt-1" }).runners;
  assert.deepEqual([runner?.url, runner?.runnerToken], ["https://g.example/x", "glrt-1"]);
});

test("Go's zero time means never", () => {
  const [runner] = parse(
    `${minimal}token_expires_at = 0001-01-01T00:00:00Z\ntoken_obtained_at = 2026-01-02T03:04:05Z\n`,
  ).runners;
  assert.deepEqual(
    [runner?.tokenExpiresAt, runner?.tokenObtainedAt?.toISOString()],
    [undefined, "2026-01-02T03:04:05.000Z"],
  );
});

test("labels of the file and of the runner are merged, the runner's winning", () => {
  const config = parse(`[labels]\nteam = "a"\nzone = "x"\n${minimal}[runners.labels]\nteam = "b"\n`);
  assert.deepEqual(config.runners[0]?.labels, { team: "b", zone: "x" });
});

test("unknown keys are named, and refused only under telemetry", () => {
  assert.deepEqual(parse(`future = 1\n${minimal}frob = 1\n[runners.artifact]\nnew = 1\n`).unknownKeys, [
    "future",
    "runners[0].frob",
    "runners[0].artifact.new",
  ]);
  assert.deepEqual(problemsOf(`${minimal}[telemetry]\nendpoint = "x"\n`), ["telemetry.endpoint: unknown key"]);
});

test("a configuration is frozen through and through", () => {
  const config = parse(minimal);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.runners) && Object.isFrozen(config.runners[0]?.tls));
});

/** Wrong values, each with the one problem it makes. */
const wrong: readonly { readonly toml: string; readonly problem: string }[] = [
  { toml: "concurrent = 0", problem: "concurrent: expected at least 1, found 0" },
  { toml: 'concurrent = "4"', problem: "concurrent: expected number, found string" },
  {
    toml: 'connection_max_age = "5 min"',
    problem: 'connection_max_age: expected a duration such as "30s" or "1h30m", found "5 min"',
  },
  {
    toml: `${minimal}shell = "fish"`,
    problem: 'runners[0].shell: expected one of "bash"|"sh"|"pwsh"|"powershell", found "fish"',
  },
  { toml: `${minimal}environment = ["A"]`, problem: 'runners[0].environment[0]: expected "NAME=value", found "A"' },
  {
    toml: '[telemetry]\nmode = "on"',
    problem: 'telemetry.mode: expected one of "negotiated"|"always"|"off", found "on"',
  },
  {
    toml: '[[telemetry.endpoints]]\nurl = "https://c"\nbearer_token = "s3cret"\nbearer_token_env = "T"',
    problem:
      "telemetry.endpoints[0]: expected at most one of bearer_token, bearer_token_file, bearer_token_env, gcp, aws, azure_managed_identity, azure_workload_identity, oauth2",
  },
  {
    toml: `[[telemetry.endpoints]]\nurl = "http://1"\n${'[[telemetry.endpoints]]\nurl = "http://1"\n'.repeat(8)}`,
    problem: "telemetry.endpoints: expected at most 8 endpoints",
  },
];

for (const { toml, problem } of wrong) {
  test(`says "${problem}"`, () => {
    assert.deepEqual(problemsOf(toml), [problem]);
  });
}

test("all problems are reported together, without the token", () => {
  const problems = problemsOf('concurrent = -1\n[[runners]]\nurl = "gitlab"\ntoken = ["s3cret"]\n');
  assert.equal(problems.length, 4);
  assert.doesNotMatch(problems.join(), /s3cret/);
});

test("a credential that would travel unprotected is refused", () => {
  const [problem = ""] = problemsOf(
    '[[telemetry.endpoints]]\nurl = "http://otel.example.com"\nbearer_token = "s3cret"\n',
  );
  assert.match(problem, /^telemetry\.endpoints\[0\]: .*allow_insecure_auth/);
  assert.doesNotMatch(problem, /s3cret/);
});

test("a syntax error is told with line and column", () => {
  assert.throws(() => parseToml("concurrent = 1\nurl = = 2", "config.toml"), /config\.toml: line 2, column \d+: /);
});

test("a setting that GitLab's runner has and we do not act on is told", () => {
  const { warnings } = parse(`[session_server]\nlisten_address = ":8093"\n${minimal}`);
  assert.equal(warnings.length, 1);
});

test("a table of an executor that is not the runner's own has no effect", () => {
  const table = '[runners.docker]\nimage = "alpine"\n';
  assert.equal(parse(minimal + table).runners[0]?.docker, undefined);
  assert.equal(parse(minimal.replace("shell", "docker") + table).runners[0]?.docker?.image, "alpine");
});

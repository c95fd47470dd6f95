import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { JobSecret, VaultSource } from "../src/coordinator-client/job-secret.ts";
import { JobInterruption } from "../src/job/job-interruption.ts";
import { aJob, type JobWishes } from "./support/a-job.ts";
import { aTrace } from "./support/a-trace.ts";
import { createJobBench, type JobBench, type RunOptions } from "./support/run-a-job.ts";
import { acceptedJwt, type SecretProviders, startSecretProviders } from "./support/secret-providers.ts";

describe("the secrets of a job (runner-protocol.md §1.8.10, §2.1)", () => {
  let bench: JobBench;
  let providers: SecretProviders;

  before(async () => {
    bench = await createJobBench();
    providers = await startSecretProviders({
      db: { password: "s3cr3t-of-vault $HOME" },
      "main-db": { user: "root-of-vault" },
    });
  });

  after(async () => {
    await bench[Symbol.asyncDispose]();
    await providers[Symbol.asyncDispose]();
  });

  function aSecret(key: string, change: Partial<VaultSource> = {}, isFile = false): JobSecret {
    const auth = { name: "jwt", path: "jwt", data: { jwt: "$ID_TOKEN", role: "ci" } };
    const place = { engineName: "kv-v2", enginePath: "kv", path: "db", field: "password" };
    return { key, isFile, source: { provider: "vault", url: "$VAULT_URL", namespace: "", auth, ...place, ...change } };
  }

  function run(wishes: JobWishes, options?: RunOptions) {
    const variables = {
      VAULT_URL: providers.url,
      ID_TOKEN: { value: acceptedJwt, isMasked: true },
      DATABASE: "main-db",
      ...wishes.variables,
    };
    return bench.run(aJob({ ...wishes, variables }), options);
  }

  test("they are variables or files of the scripts, masked, taken literally, and gone afterwards", async () => {
    const { text, log, verdict } = await run({
      secrets: [aSecret("PASSWORD"), aSecret("USER_FILE", { path: "$DATABASE", field: "user" }, true)],
      variables: { PASSWORD: "the job cannot set it", COMMAND: "login --file $USER_FILE" },
      script: [
        'printf "%s" "$PASSWORD" | wc -c',
        'echo "<$PASSWORD>"; wc -c < "$USER_FILE"; cat "$USER_FILE"',
        "echo $COMMAND",
      ],
    });
    assert.deepEqual(verdict, { state: "success" });
    const start = text.slice(text.indexOf("Resolving secrets"), text.indexOf("Preparing the"));
    assert.equal(
      start,
      'Resolving secrets\nResolving secret "PASSWORD"...\nUsing "vault" secret resolver...\n' +
        'Resolving secret "USER_FILE"...\nUsing "vault" secret resolver...\n',
    );
    assert.match(log, /section_start:\d+:resolve_secrets\r/);
    assert.match(text, /\n21\n/);
    assert.match(text, /\n<\[MASKED\]>\n13\n\[MASKED\]/);
    assert.match(text, /login --file \/\S+\.tmp\/USER_FILE\n/);
    assert.equal(/s3cr3t|root-of-vault/.test(log), false);
    const left = await readdir(path.join(bench.directory, "builds/abc123def/0/group"));
    assert.deepEqual(await readdir(path.join(bench.directory, "builds/abc123def/0/group", left[0] ?? "")), []);
  });

  test("spans do not show them either, even what was written into a script by hand", async () => {
    const trace = aTrace({ commandSpans: true });
    const script = ["true root-of-vault", "exit 3"];
    const secrets = [aSecret("USER_NAME", { path: "main-db", field: "user" })];
    await run({ secrets, script }, { jobTrace: trace.jobTrace, commandSpans: true });
    const texts = trace.named("command").map(({ attributes }) => attributes["ci.command.text"]);
    assert.deepEqual(texts, ["true [MASKED]", "exit 3"]);
    assert.equal(JSON.stringify(trace.spans).includes("root-of-vault"), false);
  });

  const failures = [
    {
      name: "no permission",
      secret: () => aSecret("KEY", { path: "forbidden" }),
      reason: "runner_configuration_error",
      says: /^resolving secrets: KEY: could not read forbidden from Vault at \S+: status 403 \(permission denied\)$/,
    },
    {
      name: "a secret that does not exist",
      secret: () => aSecret("KEY", { path: "none" }),
      reason: "runner_configuration_error",
      says: /^resolving secrets: KEY: secret not found: /,
    },
    {
      name: "a provider that nobody answers for",
      secret: () => aSecret("KEY", { url: "http://127.0.0.1:1" }),
      reason: "runner_system_failure",
      says: /^resolving secrets: KEY: could not log in to Vault/,
    },
    {
      name: "a provider that is out of order",
      secret: () => {
        providers.failWith(503);
        return aSecret("KEY");
      },
      reason: "runner_external_dependency_failure",
      says: /status 503 \(as told\)$/,
    },
  ];
  for (const { name, secret, reason, says } of failures) {
    test(`${name} fails the job before anything else of it`, async () => {
      const { text, verdict } = await run({ secrets: [secret()] });
      assert.equal(verdict.state === "failed" && verdict.failureReason, reason);
      assert.match(verdict.state === "failed" ? verdict.message : "", says);
      assert.equal(text.includes("Preparing"), false);
    });
  }

  test("a secret that does not exist is empty without FF_SECRET_RESOLVING_FAILS_IF_MISSING", async () => {
    const { text, verdict } = await run({
      secrets: [aSecret("KEY", { path: "none" })],
      variables: { FF_SECRET_RESOLVING_FAILS_IF_MISSING: "false" },
      script: ['echo "<$KEY>"'],
    });
    assert.equal(verdict.state, "success");
    assert.match(text, /\n<>\n/);
  });

  test("a provider nobody knows is passed over with a warning, and no secrets are fine too", async () => {
    const unknown = await run({ secrets: [{ key: "KEY", isFile: true, source: undefined }] });
    assert.match(unknown.text, /WARNING: Not resolved: no resolver that can handle the secret\n[\s\S]*Job succeeded\n/);
    const none = await run({ secrets: [] });
    assert.match(none.text, /Resolving secrets\nPreparing the [\s\S]*Job succeeded\n/);
  });

  test("SECRETS_RETRIEVAL_ATTEMPTS tries again, and each attempt is a span", { timeout: 30_000 }, async () => {
    providers.failWith(500);
    const trace = aTrace();
    const { text, verdict } = await run(
      {
        secrets: [aSecret("KEY")],
        variables: { SECRETS_RETRIEVAL_ATTEMPTS: "2", FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY: "false" },
      },
      { jobTrace: trace.jobTrace },
    );
    assert.equal(verdict.state, "success");
    assert.match(text, /WARNING: Retrying\.\.\.\nResolving secrets\n/);
    const seen = trace
      .named("resolve_secrets")
      .map(({ status, attributes }) => [status, attributes["ci.stage.attempt"]]);
    assert.deepEqual(seen, [
      ["error", 1],
      ["ok", 2],
    ]);
  });

  test("a cancel while they are read ends the job", async () => {
    const cancel = new AbortController();
    const { verdict } = await run(
      { secrets: [aSecret("KEY")] },
      {
        cancelSignal: cancel.signal,
        onLog: (text) => {
          if (text.includes("secret resolver")) cancel.abort(new JobInterruption("coordinator-cancel", "canceled"));
        },
      },
    );
    assert.equal(verdict.state === "failed" && verdict.failureReason, "job_canceled");
  });
});

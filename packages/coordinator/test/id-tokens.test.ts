import assert from "node:assert/strict";
import { test } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { runningCoordinator } from "./support/running-coordinator.ts";

test("an id token is masked, says who the job is, and verifies with the served keys", async () => {
  await using stack = await runningCoordinator(
    "job: { script: [x], id_tokens: { ID: { aud: 'https://vault.example' }, TWO: { aud: [a, b] } } }",
  );
  const { coordinator, repository, runner } = stack;
  await coordinator.createPipeline({ repository });
  const job = await runner.nextJob();
  const token = job.variables.find(({ key }) => key === "ID");
  assert.deepEqual([token?.masked, token?.public, token?.raw], [true, false, true]);
  const discovery = (await (await fetch(`${coordinator.url}/.well-known/openid-configuration`)).json()) as {
    jwks_uri: string;
  };
  const { payload } = await jwtVerify(`${token?.value}`, createRemoteJWKSet(new URL(discovery.jwks_uri)), {
    issuer: coordinator.url,
    audience: "https://vault.example",
  });
  assert.equal(payload.sub, "project_path:local/app:ref_type:branch:ref:main");
  assert.equal(payload["job_id"], String(job.id));
  assert.equal(
    payload["ci_config_ref_uri"],
    `${new URL(coordinator.url).host}/local/app//.gitlab-ci.yml@refs/heads/main`,
  );
  const keys = await (await fetch(discovery.jwks_uri)).text();
  assert.doesNotMatch(keys, /"d":/);
});

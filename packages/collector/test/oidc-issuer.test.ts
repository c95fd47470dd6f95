import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { createOidcVerifier, type OidcIssuer } from "../src/auth/oidc-issuer.ts";
import type { RefusalReason } from "../src/auth/verdict.ts";
import { ConfigError } from "../src/index.ts";
import { audience, type FakeIssuer, startFakeIssuer, type TokenFacts } from "./support/fake-issuer.ts";

describe("an OIDC issuer's token", () => {
  const scope = new AsyncDisposableStack();
  let issuer: FakeIssuer;
  before(async () => {
    issuer = scope.use(await startFakeIssuer());
  });
  after(() => scope.disposeAsync());

  const claims = { project_path: ["ci/app", "ci/web"], environment: "production" };
  const good = { claims: { project_path: "ci/app", environment: "production" } };
  const cases: readonly [
    title: string,
    facts: TokenFacts,
    rule: Partial<OidcIssuer>,
    expected: RefusalReason | "accepted",
  ][] = [
    ["with the audience, signed and fresh, is accepted", {}, {}, "accepted"],
    ["with the audience among others is accepted", { audience: ["other", audience] }, {}, "accepted"],
    ["for another audience is not", { audience: "other" }, {}, "wrong-audience"],
    ["that expired within the clock's tolerance is accepted", { expiresIn: -30 }, {}, "accepted"],
    ["that expired before is not", { expiresIn: -90 }, {}, "expired"],
    ["that expired is not, with no tolerance", { expiresIn: -2 }, { clockToleranceSeconds: 0 }, "expired"],
    ["that never expires is not", { expiresIn: null }, {}, "wrong-claims"],
    ["that is valid from soon on is accepted", { notBeforeIn: 30 }, {}, "accepted"],
    ["that is valid from later on is not", { notBeforeIn: 90 }, {}, "wrong-claims"],
    ["of another issuer, signed with this one's key, is not", { issuer: "https://else.test" }, {}, "wrong-issuer"],
    ["with the claims asked for is accepted", good, { claims }, "accepted"],
    [
      "that has one in a list is accepted",
      { claims: { ...good.claims, project_path: ["x", "ci/web"] } },
      { claims },
      "accepted",
    ],
    ["with another claim is not", { claims: { ...good.claims, environment: "test" } }, { claims }, "wrong-claims"],
    ["without the claim is not", {}, { claims }, "wrong-claims"],
  ];
  for (const [title, facts, rule, expected] of cases) {
    test(title, async () => {
      const verifier = createOidcVerifier({ issuer: issuer.url, audience, ...rule });
      const verdict = await verifier.verify(await issuer.token(facts));
      assert.equal(verdict.kind === "accepted" ? "accepted" : verdict.reason, expected);
    });
  }

  test("is accepted for its subject, not for the token itself", async () => {
    const verifier = createOidcVerifier({ issuer: issuer.url, audience });
    const verdict = await verifier.verify(await issuer.token({ subject: "job:7" }));
    assert.deepEqual(verdict, { kind: "accepted", sender: `${issuer.url} job:7` });
  });

  test("that was changed, has no signature, or one by a public key as an HMAC's secret is refused", async () => {
    const verifier = createOidcVerifier({ issuer: issuer.url, audience });
    const [header = "", payload = "", signature = ""] = (await issuer.token()).split(".");
    const { exp, iss } = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    const forged = encoded({ exp, iss, aud: audience, sub: "admin" });
    const none = encoded({ alg: "none" });
    const hmac = encoded({ alg: "HS256", kid: "1" });
    const published = await (await fetch(`${issuer.url}/keys`)).text();
    const byPublicKey = createHmac("sha256", published).update(`${hmac}.${forged}`).digest("base64url");
    for (const token of [
      `${header}.${forged}.${signature}`,
      `${none}.${forged}.`,
      `${none}.${forged}.${signature}`,
      `${hmac}.${forged}.${byPublicKey}`,
    ]) {
      assert.deepEqual(await verifier.verify(token), { kind: "refused", reason: "wrong-signature" }, token);
    }
    assert.deepEqual(await verifier.verify("a.b.c"), { kind: "refused", reason: "malformed-token" });
  });

  test("is accepted once the issuer's keys were rotated, and one by a retired key no longer", async () => {
    await using rotating = await startFakeIssuer();
    const verifier = createOidcVerifier({ issuer: rotating.url, audience }, { cooldownMs: 0 });
    const old = await rotating.token();
    assert.equal((await verifier.verify(old)).kind, "accepted");
    assert.equal((await verifier.verify(old)).kind, "accepted");
    assert.equal(rotating.keysAsked, 1);
    await rotating.rotate();
    assert.equal((await verifier.verify(await rotating.token())).kind, "accepted");
    assert.equal(rotating.keysAsked, 2);
    assert.deepEqual(await verifier.verify(old), { kind: "refused", reason: "wrong-signature" });
  });

  test("does not make us ask for keys at each unknown one", async () => {
    await using rotating = await startFakeIssuer();
    const verifier = createOidcVerifier({ issuer: rotating.url, audience });
    assert.equal((await verifier.verify(await rotating.token())).kind, "accepted");
    await rotating.rotate();
    for (let count = 0; count < 5; count += 1) {
      assert.deepEqual(await verifier.verify(await rotating.token()), { kind: "refused", reason: "wrong-signature" });
    }
    assert.equal(rotating.keysAsked, 1);
  });

  test("cannot be judged while the issuer is away, and can once it is back", async () => {
    await using leaving = await startFakeIssuer();
    const verifier = createOidcVerifier({ issuer: leaving.url, audience }, { cooldownMs: 0 });
    leaving.setAway(true);
    const token = await leaving.token();
    assert.deepEqual(await verifier.verify(token), { kind: "refused", reason: "issuer-unavailable" });
    leaving.setAway(false);
    assert.equal((await verifier.verify(token)).kind, "accepted");
  });

  test("is not judged by the keys of one that says it is another", async () => {
    await using liar = await startFakeIssuer({ claimsToBe: "https://else.test" });
    const verifier = createOidcVerifier({ issuer: liar.url, audience });
    assert.deepEqual(await verifier.verify(await liar.token()), { kind: "refused", reason: "issuer-unavailable" });
  });
});

describe("a rule for an OIDC issuer", () => {
  const cases: readonly [rule: OidcIssuer, expected: RegExp][] = [
    [{ issuer: "http://issuer.test", audience }, /auth\.oidc: issuer "http:\/\/issuer\.test" is no https:\/\/ URL/],
    [{ issuer: "issuer.test", audience }, /is no https:\/\/ URL/],
    [{ issuer: "https://issuer.test", audience: "" }, /the audience for https:\/\/issuer\.test is empty/],
    [
      { issuer: "https://issuer.test", audience, clockToleranceSeconds: 3600 },
      /clockToleranceSeconds .* expected 0 to 600/,
    ],
  ];
  for (const [rule, expected] of cases) {
    test(`is refused: ${expected.source}`, () => {
      assert.throws(
        () => createOidcVerifier(rule),
        (error) => error instanceof ConfigError && expected.test(error.message),
      );
    });
  }
});

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

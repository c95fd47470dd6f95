import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { parseConfig } from "../src/config/parse-config.ts";
import type { JobRequestOutcome } from "../src/coordinator-client/coordinator-client.ts";
import { createCoordinatorClient } from "../src/coordinator-client/create-coordinator-client.ts";
import { aCertificate } from "./support/a-certificate.ts";
import { aJobPayload } from "./support/job-payload.ts";

interface TlsScene {
  readonly directory: string;
  /** Self-signed: of the server, and of clients that show one. */
  readonly key: string;
  readonly certificate: string;
  /** Asks for a job with these keys of `[[runners]]`; the configuration file is in `directory`. */
  ask(settings: Readonly<Record<string, unknown>>): Promise<JobRequestOutcome>;
}

async function withTlsCoordinator(
  run: (scene: TlsScene) => Promise<void>,
  { asksForCertificate = false }: { readonly asksForCertificate?: boolean } = {},
): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-tls-"));
  const { key, certificate } = await aCertificate(directory);
  const own = { key: readFileSync(key), cert: readFileSync(certificate) };
  const asking = asksForCertificate ? { requestCert: true, rejectUnauthorized: true, ca: own.cert } : {};
  const server = createServer({ ...own, ...asking }, (request, response) => {
    request.resume();
    response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify(aJobPayload()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask: TlsScene["ask"] = async (settings) => {
    const config = parseConfig(
      { runners: [{ url, token: "glrt-x", executor: "shell", ...settings }] },
      { environment: {}, file: path.join(directory, "config.toml") },
    );
    const [runner] = config.runners;
    assert.ok(runner);
    const { systemId, proxy, connectionMaxAgeMs } = config;
    await using client = createCoordinatorClient({ runner, systemId, proxy, connectionMaxAgeMs });
    return await client.requestJob({ signal: new AbortController().signal });
  };
  try {
    await run({ directory, key, certificate, ask });
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    await rm(directory, { recursive: true, force: true });
  }
}

test("a private authority is trusted through tls-ca-file or certs/<host>.crt, and its chain goes to the job", () =>
  withTlsCoordinator(async ({ directory, certificate, ask }) => {
    await assert.rejects(ask({}), /could not request job at https:.*certificate/i);
    const outcome = await ask({ "tls-ca-file": certificate });
    assert.equal(outcome.kind, "job");
    assert.equal(outcome.kind === "job" && outcome.job.serverCertificateChain, readFileSync(certificate, "utf8"));
    await mkdir(path.join(directory, "certs"));
    await copyFile(certificate, path.join(directory, "certs", "127.0.0.1.crt"));
    assert.equal((await ask({})).kind, "job");
  }));

test("a client certificate is shown from tls-cert-file and tls-key-file, or certs/<host>.auth.*", () =>
  withTlsCoordinator(
    async ({ directory, key, certificate, ask }) => {
      const trusting = { "tls-ca-file": certificate };
      await assert.rejects(ask(trusting), /could not request job at https:/);
      const files = { "tls-cert-file": certificate, "tls-key-file": key };
      assert.equal((await ask({ ...trusting, ...files })).kind, "job");
      await assert.rejects(ask({ ...trusting, ...files, "tls-key-file": "/no/key" }), /\/no\/key/);
      await mkdir(path.join(directory, "certs"));
      await copyFile(certificate, path.join(directory, "certs", "127.0.0.1.auth.crt"));
      await copyFile(key, path.join(directory, "certs", "127.0.0.1.auth.key"));
      assert.equal((await ask(trusting)).kind, "job");
    },
    { asksForCertificate: true },
  ));

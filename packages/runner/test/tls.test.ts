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
import { createCoordinatorClient } from "../src/coordinator-client/create-coordinator-client.ts";
import { aCertificate } from "./support/a-certificate.ts";
import { aJobPayload } from "./support/job-payload.ts";

test("a private authority is trusted through tls-ca-file or certs/<host>.crt, and its chain goes to the job", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-tls-"));
  const { key, certificate } = await aCertificate(directory);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    request.resume();
    response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify(aJobPayload()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async (settings: Readonly<Record<string, unknown>>) => {
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
    await assert.rejects(ask({}), /could not request job at https:.*certificate/i);
    const outcome = await ask({ "tls-ca-file": certificate });
    assert.equal(outcome.kind, "job");
    assert.equal(outcome.kind === "job" && outcome.job.serverCertificateChain, readFileSync(certificate, "utf8"));
    await mkdir(path.join(directory, "certs"));
    await copyFile(certificate, path.join(directory, "certs", "127.0.0.1.crt"));
    assert.equal((await ask({})).kind, "job");
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    await rm(directory, { recursive: true, force: true });
  }
});

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { silentLog } from "@jobscope/labkit";
import { createDelegationKeys } from "../src/cache/remote/azure/delegation-key.ts";
import { signBlobSas } from "../src/cache/remote/azure/sign-sas.ts";
import { openRemoteCache } from "../src/cache/remote/open-remote-cache.ts";
import type { RoleEvent } from "../src/cache/remote/role-event.ts";
import type { SignedUpload } from "../src/cache/signed-request.ts";
import { downloadArchive } from "../src/cache/transfer/download-archive.ts";
import { createStoreConnections } from "../src/cache/transfer/store-connections.ts";
import { uploadArchive } from "../src/cache/transfer/upload-archive.ts";
import { aCertificate } from "./support/a-certificate.ts";
import { aRunner } from "./support/a-runner.ts";
import { bucket, type CacheStore, startAzureStore } from "./support/cache-stores.ts";
import { skippedWithout } from "./support/test-peers.ts";

const signal = new AbortController().signal;
const wish = { objectName: "runner/abc/project/7/npm", validMs: 3_600_000, signal };
const uploadWish = { ...wish, cacheKey: "npm ü", maxBytes: 0 };

function openCache(cacheTable: Readonly<Record<string, unknown>>, onRole = (_: RoleEvent): void => {}) {
  const { store } = aRunner("http://127.0.0.1:1", { cache: cacheTable }).cache;
  assert.ok(store);
  return openRemoteCache(store, { log: silentLog, environment: {}, onRole });
}

const keys = { AccessKey: "AKIATEST", SecretKey: "s3cret", AuthenticationType: "access-key" };
const amazon = (changes: object) => ({
  Type: "s3",
  s3: { BucketName: "ci-caches", BucketLocation: "eu-west-1", ...keys, ...changes },
});

/** Rule: runner-protocol.md §3.7, §6.5. */
const addresses = [
  { name: "IPv4 and IPv6 by default", changes: {}, host: "ci-caches.s3.dualstack.eu-west-1.amazonaws.com" },
  { name: "without dual stack", changes: { DualStack: false }, host: "ci-caches.s3.eu-west-1.amazonaws.com" },
  {
    name: "with acceleration",
    changes: { DualStack: false, Accelerate: true },
    host: "ci-caches.s3-accelerate.amazonaws.com",
  },
  {
    name: "in path style",
    changes: { DualStack: false, PathStyle: true },
    host: "s3.eu-west-1.amazonaws.com",
  },
  {
    name: "at another store",
    changes: { ServerAddress: "minio.example.com:9000" },
    host: "minio.example.com:9000",
  },
];

describe("requests to S3", () => {
  for (const { name, changes, host } of addresses) {
    test(`go to ${host}: ${name}`, async () => {
      const url = new URL((await openCache(amazon(changes)).signDownload(wish)).url);
      assert.equal(url.host, host);
      assert.equal(url.searchParams.get("X-Amz-Expires"), "3600");
    });
  }

  test("are good for seven days at most, for a job that may take longer", async () => {
    const { url } = await openCache(amazon({})).signDownload({ ...wish, validMs: 30 * 24 * 3_600_000 });
    assert.equal(new URL(url).searchParams.get("X-Amz-Expires"), "604800");
  });

  test("carry metadata and encryption as signed header fields, and no checksum of a body that is not there", async () => {
    const encryption = { ServerSideEncryption: "DSSE-KMS", ServerSideEncryptionKeyID: "arn:aws:kms:key" };
    const { url, headers } = await openCache(amazon(encryption)).signUpload(uploadWish);
    assert.deepEqual(headers, {
      "x-amz-meta-cachekey": "npm %C3%BC",
      "x-amz-server-side-encryption": "aws:kms:dsse",
      "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:key",
    });
    const { searchParams } = new URL(url);
    const signed = searchParams.get("X-Amz-SignedHeaders");
    assert.equal(signed, ["host", ...Object.keys(headers)].join(";"));
    assert.doesNotMatch(url, /checksum/i);
  });
});

describe("requests to S3 by a role", () => {
  let sts: ReturnType<typeof createServer>;
  const happened: RoleEvent[] = [];
  /** Forms of the requests for roles. */
  const asked: URLSearchParams[] = [];

  before(async () => {
    // No store among the test peers knows sessions: what is asked for and signed has to do.
    sts = createServer(async (request, response) => {
      asked.push(new URLSearchParams(await text(request)));
      const expiration = new Date(Date.now() + 3_600_000).toISOString();
      response
        .setHeader("content-type", "text/xml")
        .end(
          `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>` +
            `<AccessKeyId>ASIATEST</AccessKeyId><SecretAccessKey>session-s3cret</SecretAccessKey>` +
            `<SessionToken>session</SessionToken><Expiration>${expiration}</Expiration>` +
            `</Credentials></AssumeRoleResult></AssumeRoleResponse>`,
        );
    }).listen(0, "127.0.0.1");
    await once(sts, "listening");
    const address = sts.address();
    assert.ok(typeof address === "object" && address !== null);
    // biome-ignore lint/style/noProcessEnv: the SDK reads it from there.
    process.env["AWS_ENDPOINT_URL_STS"] = `http://127.0.0.1:${address.port}`;
  });

  after(() => void sts.close());

  test("have a session for one object and one direction, which jobs with the same key share", async () => {
    const cache = openCache(amazon({ UploadRoleARN: "arn:aws:iam::1:role/cache" }), (event) => happened.push(event));
    const uploads = await Promise.all([cache.signUpload(uploadWish), cache.signUpload(uploadWish)]);
    assert.equal(new URL(uploads[0].url).searchParams.get("X-Amz-Security-Token"), "session");
    const other = { ...uploadWish, objectName: 'runner/abc/project/7/a"*?' };
    await cache.signUpload(other);
    const { url } = await cache.signDownload(wish);
    assert.equal(new URL(url).searchParams.has("X-Amz-Security-Token"), false);
    // Both may have asked before either had an answer.
    assert.ok(asked.length <= 3);
    const [first, last] = [asked[0], asked.at(-1)];
    assert.deepEqual([first?.get("Action"), first?.get("RoleArn")], ["AssumeRole", "arn:aws:iam::1:role/cache"]);
    assert.deepEqual(JSON.parse(first?.get("Policy") ?? ""), {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Action: ["s3:PutObject"], Resource: `arn:aws:s3:::${bucket}/runner/abc/project/7/npm` },
      ],
    });
    const [{ Resource }] = JSON.parse(last?.get("Policy") ?? "").Statement;
    const kinds = happened.map(({ kind }) => kind);
    assert.deepEqual(
      ["asked", "answered", "kept"].map((kind) => kinds.filter((one) => one === kind).length),
      [asked.length, asked.length, asked.length],
    );
    await cache.signUpload(uploadWish);
    assert.equal(happened.at(-1)?.kind, "found");
    assert.equal(Resource, `arn:aws:s3:::${bucket}/runner/abc/project/7/a"\${*}\${?}`);
  });
});

describe("requests to Azure by the machine's identity", { skip: skippedWithout("azurite-blob") }, () => {
  let directory: string;
  let store: CacheStore;
  let identity: ReturnType<typeof createServer>;
  let identityUrl: string;
  const defaults = getCACertificates();
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const nowS = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ aud: "https://storage.azure.com", iss: "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/" },
    ...{ iat: nowS, nbf: nowS - 60, exp: nowS + 3600 },
    ...{ oid: "23657296-5cd5-45b0-a809-d972a7f4dfe1", tid: "dd0d0df1-06c3-436c-8034-4b9a153097ce" },
  };
  const token = `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.none`;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "jobscope-azure-identity-"));
    const { key, certificate: cert } = await aCertificate(directory);
    setDefaultCACertificates([...defaults, await readFile(cert, "utf8")]);
    // The identity endpoint of App Service and Container Apps.
    identity = createServer((_, response) => {
      response.end(JSON.stringify({ access_token: token, expires_on: String(claims.exp), token_type: "Bearer" }));
    }).listen(0, "127.0.0.1");
    await once(identity, "listening");
    const address = identity.address();
    assert.ok(typeof address === "object" && address !== null);
    identityUrl = `http://127.0.0.1:${address.port}/token`;
    store = await startAzureStore({ cert, key });
  });

  after(async () => {
    setDefaultCACertificates(defaults);
    identity.close();
    await store?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  test("are signed with a key that the store gave, for one direction, and take archives in blocks", async () => {
    const service = `${store.url}/devstoreaccount1`;
    const environment = { IDENTITY_ENDPOINT: identityUrl, IDENTITY_HEADER: "x" };
    const key = await createDelegationKeys({ service, environment }).keyFor(60_000, signal);
    const sign = (permission: "r" | "w"): SignedUpload => {
      const sas = signBlobSas({
        ...{ account: "devstoreaccount1", container: bucket, blob: "runner/a b/npm", permission, now: new Date() },
        ...{ validMs: 60_000, allowsHttp: false, key: { kind: "delegation", key } },
      });
      const headers = { "x-ms-version": "2022-11-02", "x-ms-blob-type": "BlockBlob", "x-ms-meta-cachekey": "npm" };
      return { url: `${service}/${bucket}/runner/a%20b/npm?${sas}`, headers, blockBytes: 100_000 };
    };
    const [file, back] = [path.join(directory, "archive"), path.join(directory, "back", "cache.zip")];
    const content = randomBytes(250_000);
    await writeFile(file, content);
    // With a certificate of the house's own.
    const connections = createStoreConnections({});
    const silent = { info() {}, warning() {} };
    const transfer = {
      ...{ connections, signal, report: silent, timeoutMs: 30_000, firstPauseMs: 1 },
      onProgress() {},
    };
    try {
      await uploadArchive({ ...transfer, request: sign("w"), file });
      const received = await downloadArchive({ ...transfer, request: sign("r"), file: back });
      assert.deepEqual(received, { kind: "downloaded", bytes: content.length });
      assert.deepEqual(await readFile(back), content);
      assert.equal(await readFile(path.join(path.dirname(back), "metadata.json"), "utf8"), '{"cachekey":"npm"}');
      const mismatch = /^CacheTransferError: received: 403 Forbidden.*AuthorizationPermissionMismatch/;
      await assert.rejects(uploadArchive({ ...transfer, request: sign("r"), file }), mismatch);
      await rm(back);
      await assert.rejects(downloadArchive({ ...transfer, request: sign("w"), file: back }), mismatch);
    } finally {
      await connections.destroy();
    }
  });
});

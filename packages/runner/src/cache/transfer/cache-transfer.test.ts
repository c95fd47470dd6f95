import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Dispatcher } from "undici";
import type { TransferProgress } from "./archive-transfer.ts";
import { downloadArchive } from "./download-archive.ts";
import { createStoreConnections } from "./store-connections.ts";
import { uploadArchive } from "./upload-archive.ts";

const modified = new Date("2026-01-02T03:04:05Z");
const content = randomBytes(300_000);
const md5 = createHash("md5").update(content).digest();
const signature = "0123456789abcdef0123456789abcdef";

type Answer = (request: Parameters<RequestListener>[0], response: Parameters<RequestListener>[1]) => void;

/** The whole archive as a store sends it. */
const whole: Answer = (_, response) => {
  const headers = { "content-length": content.length, "last-modified": modified.toUTCString(), etag: '"one"' };
  response.writeHead(200, { ...headers, "x-amz-meta-cachekey": "a%20b" }).end(content);
};

const refusal =
  (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    const message = `no &lt;${code}&gt; for ${signature}`;
    response
      .writeHead(status, headers)
      .end(`<Error><Code>${code}</Code><Message>${message}\nRequestId:1</Message></Error>`);
  };

describe("the transfer of a cache's archive", () => {
  let server: Server;
  let url: string;
  let directory: string;
  let connections: Dispatcher;
  let file: string;
  let lines: string[];
  let progress: TransferProgress;
  let whenProgress: (now: TransferProgress) => void;
  /** What the store does with the next requests. */
  let answers: Answer[];
  let requests: { readonly headers: IncomingHttpHeaders; readonly url: string; readonly body: Promise<Buffer> }[];

  before(async () => {
    server = createServer((request, response) => {
      requests.push({
        headers: request.headers,
        url: request.url ?? "",
        body: buffer(request).catch(() => Buffer.alloc(0)),
      });
      (answers.shift() ?? whole)(request, response);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    url = `http://127.0.0.1:${address.port}/bucket/key?X-Sig=${signature}`;
    directory = await mkdtemp(path.join(tmpdir(), "jobscope-cache-transfer-"));
    connections = createStoreConnections({});
  });

  beforeEach(async () => {
    [lines, answers, requests] = [[], [], []];
    progress = { networkBytes: 0, retries: 0 };
    whenProgress = () => {};
    await rm(directory, { recursive: true, force: true });
    file = path.join(directory, "cache.zip");
  });

  after(async () => {
    await connections.destroy();
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true, force: true });
  });

  const say =
    (level: string) =>
    (message: string, fields: object = {}) => {
      lines.push(`${level} ${message} ${Object.entries(fields).join(" ")}`.trimEnd());
    };

  const options = (timeoutMs = 60_000) => ({
    file,
    connections,
    timeoutMs,
    firstPauseMs: 1,
    report: { info: say("info"), warning: say("warning") },
    onProgress: (now: TransferProgress) => {
      progress = now;
      whenProgress(now);
    },
    signal: new AbortController().signal,
  });
  /** The connection breaks when so much has been received. */
  const cutAfter =
    (bytes: number, etag: string): Answer =>
    (_, response) => {
      response.writeHead(200, { "content-length": content.length, etag }).write(content.subarray(0, bytes));
      whenProgress = ({ networkBytes }) => {
        if (networkBytes >= bytes) response.destroy();
      };
    };
  const download = (timeoutMs?: number) => downloadArchive({ ...options(timeoutMs), request: { url, headers: {} } });
  const address = () => url.split("?")[0];

  test("a download has the object's time and metadata, and says what GitLab's helper says", async () => {
    assert.deepEqual(await download(), { kind: "downloaded", bytes: content.length });
    assert.deepEqual(await readFile(file), content);
    assert.equal((await stat(file)).mtimeMs, modified.getTime());
    assert.deepEqual(await readdir(directory), ["cache.zip", "metadata.json"]);
    assert.equal(await readFile(path.join(directory, "metadata.json"), "utf8"), '{"cachekey":"a b"}');
    assert.deepEqual(lines, [
      "info Using presigned URL for cache download",
      `info Downloading cache from ${address()} etag,"one"`,
    ]);
    assert.deepEqual(progress, { networkBytes: content.length, retries: 0 });
  });

  test("an archive that is as young as the store's is left", async () => {
    await download();
    assert.deepEqual(await download(), { kind: "up-to-date" });
    await utimes(file, modified, new Date(modified.getTime() - 1000));
    assert.deepEqual(await download(), { kind: "downloaded", bytes: content.length });
  });

  test("an archive that is not there is missing, at once", async () => {
    answers.push(refusal(404, "NoSuchKey"));
    assert.deepEqual(await download(), { kind: "missing" });
    assert.equal(requests.length, 1);
    assert.deepEqual(await readdir(directory), []);
  });

  test("what came before the connection broke is kept, and only the rest is asked for", async () => {
    const half = 150_000;
    answers.push(cutAfter(half, '"one"'));
    answers.push((request, response) => {
      assert.equal(request.headers.range, `bytes=${half}-`);
      assert.equal(request.headers["if-match"], '"one"');
      const range = `bytes ${half}-${content.length - 1}/${content.length}`;
      response.writeHead(206, {
        "content-range": range,
        etag: '"one"',
        "x-goog-hash": `md5=${md5.toString("base64")}`,
      });
      response.end(content.subarray(half));
    });
    assert.deepEqual(await download(), { kind: "downloaded", bytes: content.length });
    assert.deepEqual(await readFile(file), content);
    assert.deepEqual(progress, { networkBytes: content.length, retries: 1 });
    assert.match(lines[2] ?? "", /^warning Retrying\.\.\. error,GET http:\S+\/bucket\/key: /);
  });

  test("an archive that was replaced meanwhile is fetched from its beginning", async () => {
    answers.push(cutAfter(1000, '"old"'), refusal(412, "PreconditionFailed"));
    assert.deepEqual(await download(), { kind: "downloaded", bytes: content.length });
    assert.deepEqual(await readFile(file), content);
    assert.equal(progress.retries, 2);
  });

  /** Each makes a whole answer one that lies about its content. */
  const lies = [
    { source: "x-goog-hash", headers: { "x-goog-hash": "crc32c=AAAAAA==, md5=AAAAAAAAAAAAAAAAAAAAAA==" } },
    { source: "Content-MD5", headers: { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" } },
    { source: "ETag", headers: { "x-amz-request-id": "1", etag: `"${"0".repeat(32)}"` } },
  ];
  for (const { source, headers } of lies) {
    test(`content that does not match ${source} is fetched anew, and not taken`, async () => {
      const damaged: Answer = (_, response) => void response.writeHead(200, headers).end(content);
      answers.push(damaged, damaged, damaged);
      const error = { code: "CACHE_TRANSFER_FAILED", message: `the archive does not match the store's ${source}` };
      await assert.rejects(download(), error);
      assert.equal(requests.length, 3);
      assert.deepEqual(await readdir(directory), []);
    });
  }

  test("an ETag is no digest of objects that are encrypted with a key, in directory buckets, or were sent in parts", async () => {
    const amazon = { "x-amz-request-id": "1", "x-amz-server-side-encryption": "aws:kms", etag: `"${"0".repeat(32)}"` };
    answers.push((_, response) => void response.writeHead(200, amazon).end(content));
    assert.equal((await download()).kind, "downloaded");
    const express = { "x-amz-request-id": "1", etag: `"${"0".repeat(32)}"` };
    answers.push((_, response) => void response.writeHead(200, express).end(content));
    const request = { url: url.replace("/bucket/", "/bucket--x-s3/"), headers: {} };
    assert.equal((await downloadArchive({ ...options(), request })).kind, "downloaded");
    const parts = { "x-amz-request-id": "1", etag: `"${"0".repeat(32)}-2"` };
    answers.push((_, response) => void response.writeHead(200, parts).end(content));
    assert.equal((await download()).kind, "downloaded");
  });

  const refusals = [
    { status: 403, code: "AccessDenied", tries: 1 },
    { status: 400, code: "ExpiredToken", tries: 1 },
    { status: 429, code: "TooManyRequests", tries: 3 },
    { status: 500, code: "InternalError", tries: 3 },
    { status: 503, code: "SlowDown", tries: 3 },
  ];
  for (const { status, code, tries } of refusals) {
    test(`${status} ${code}: ${tries} ${tries === 1 ? "try" : "tries"}, then the store's reason without the signature`, async () => {
      answers.push(...Array(3).fill(refusal(status, code)));
      await assert.rejects(download(), ({ message }: Error) => {
        assert.match(message, new RegExp(`^received: ${status} [A-Z]`));
        assert.ok(message.endsWith(`. Request failed with code: ${code}, message: no <${code}> for [MASKED]`), message);
        return true;
      });
      assert.equal(requests.length, tries);
    });
  }

  test("a refusal from a store with another time says so", async () => {
    const date = new Date(Date.now() - 20 * 60_000).toUTCString();
    answers.push(refusal(403, "RequestTimeTooSkewed", { date }));
    await assert.rejects(download(), / \(the clocks of the store and of this machine differ by 20 min\)$/);
  });

  test("a store that does not go on is given up after the time for one try", async () => {
    answers.push(...Array(3).fill(() => {}));
    await assert.rejects(download(20), { message: "the store took longer than 0.02 s" });
    assert.equal(requests.length, 3);
  });

  test("a store that is not there is told by its address, without the signature", async () => {
    const request = { url: url.replace(/:\d+/, ":1"), headers: {} };
    await assert.rejects(downloadArchive({ ...options(), request }), {
      message: "GET http://127.0.0.1:1/bucket/key: connect ECONNREFUSED 127.0.0.1:1",
    });
    assert.equal(progress.retries, 2);
  });

  test("an abort ends a transfer with its reason, and leaves nothing", async () => {
    const abort = new AbortController();
    const reason = new Error("canceled");
    answers.push((_, response) => {
      response.writeHead(200).write("x");
      abort.abort(reason);
    });
    const { signal } = abort;
    await assert.rejects(downloadArchive({ ...options(), signal, request: { url, headers: {} } }), reason);
    assert.deepEqual(await readdir(directory), []);
  });

  describe("an upload", () => {
    const upload = (blockBytes?: number, firstPauseMs = 1) =>
      uploadArchive({
        ...{ ...options(), firstPauseMs },
        request: {
          url,
          headers: { "x-ms-blob-type": "BlockBlob", "x-ms-meta-cachekey": "k", "x-ms-version": "v" },
          ...(blockBytes === undefined ? {} : { blockBytes }),
        },
      });
    const stored: Answer = (request, response) => {
      request.resume().once("end", () => response.writeHead(201).end());
    };

    beforeEach(async () => {
      await download();
      [lines, requests] = [[], []];
    });

    test("tells the store length, digest and time, again after 503", async () => {
      answers.push(refusal(503, "SlowDown"), stored);
      assert.deepEqual(await upload(), { bytes: content.length });
      const [, sent] = requests;
      assert.deepEqual(await sent?.body, content);
      assert.partialDeepStrictEqual(sent?.headers, {
        "content-length": String(content.length),
        "content-type": "application/octet-stream",
        "content-md5": md5.toString("base64"),
        "last-modified": modified.toUTCString(),
        "x-ms-blob-type": "BlockBlob",
      });
      assert.equal(progress.retries, 1);
      assert.deepEqual(lines.slice(0, 2), [
        "info Using presigned URL for cache upload",
        `info Uploading cache.zip to ${address()}`,
      ]);
    });

    test("that is refused while it is on its way is told why", async () => {
      await truncate(file, 64 * 1024 ** 2);
      const refuse: Answer = (request, response) => {
        refusal(403, "AccessDenied", { connection: "close" })(request, response);
        response.once("finish", () => request.socket.destroy());
      };
      answers.push(refuse, refuse, refuse);
      // Whether the first answer arrives is chance; the second has half a second to.
      await assert.rejects(
        upload(undefined, 500),
        /^CacheTransferError: received: 403 Forbidden\. Request failed with code: AccessDenied/,
      );
    });

    test("of more than a block goes in blocks, each with its own tries, and then their list", async () => {
      answers.push(stored, refusal(500, "InternalError"), stored, stored, stored);
      assert.deepEqual(await upload(120_000), { bytes: content.length });
      const sent = requests.map((one) => new URL(one.url, url).searchParams);
      assert.deepEqual(
        sent.map((query) => [query.get("comp"), query.get("blockid")]),
        [
          ["block", "MDAwMDAwMDA="],
          ["block", "MDAwMDAwMDE="],
          ["block", "MDAwMDAwMDE="],
          ["block", "MDAwMDAwMDI="],
          ["blocklist", null],
        ],
      );
      // Of the refused one the rest never came, and nobody says so when the answer went out before.
      const blocks = [requests[0], requests[2], requests[3]].map((one) => one?.body ?? Buffer.alloc(0));
      assert.deepEqual(Buffer.concat(await Promise.all(blocks)), content);
      const last = requests.at(-1)?.headers;
      assert.equal(last?.["x-ms-meta-cachekey"], "k");
      assert.equal(last?.["x-ms-blob-type"], undefined);
      assert.equal(progress.retries, 1);
    });
  });
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { createLog } from "@jobscope/labkit";
import fc from "fast-check";
import { startMetrics } from "../src/metrics/start-metrics.ts";
import { aVariable } from "./support/job-payload.ts";
import { aScriptJob, finalUpdateOf, logOf, withManager } from "./support/with-manager.ts";

/** Stands wherever the secrets do: what is searched for them is not empty because nothing arrived. */
const witness = "witness";

/** What GitLab accepts as a masked variable: eight characters and more, no white space. The shell needs no quotes here. */
const secretText = fc.string({
  unit: fc.constantFrom(...'abcdefXYZ0189+/=@:.~-_%&?#!,;(){}[]|<>*^`"\\é🎈'),
  minLength: 8,
  maxLength: 40,
});
/** One that can be the name of a log section. */
const wordSecret = fc.string({ unit: fc.constantFrom(..."abcXYZ019_.-"), minLength: 8, maxLength: 24 });

interface Secrets {
  readonly any: string;
  readonly word: string;
}

const jobCount = 8;

test("masked values leave the process in no encoding: not in spans, spool, runner log, metrics, and not as they are in the job log", async () => {
  const seed = Date.now() % 2 ** 31;
  const seeds = fc.sample(fc.record<Secrets>({ any: secretText, word: wordSecret }), { seed, numRuns: jobCount });
  await using collector = await startByteCollector({ status: 200 });
  await using busy = await startByteCollector({ status: 503 });
  const logged: string[] = [];
  await using metrics = await startMetrics("127.0.0.1:0", "s_0123456789ab");
  const seen = new Map<string, Buffer>();
  await withManager(
    async ({ coordinator, manager, directory }) => {
      metrics.observe(manager);
      for (const index of seeds.keys()) await finalUpdateOf(coordinator, index + 1);
      const spool = path.join(directory, "spool");
      // The busy one has accepted nothing, so that all there is lies on disk.
      await collector.waitFor((sent) => seeds.every((_, index) => sent.includes(`${witness}-job-${index}`)));
      seen.set("spool", await bytesBelow(spool));
      for (const page of ["/metrics", "/debug/jobs/list", "/debug/process/state"]) {
        seen.set(page, Buffer.from(await (await fetch(`${metrics.url}${page}`)).arrayBuffer()));
      }
      seen.set("job log", Buffer.from(seeds.map((_, index) => logOf(coordinator, index + 1)).join("\n")));
    },
    {
      config: {
        concurrent: 4,
        check_interval: 3600,
        telemetry: {
          mode: "always",
          spool_dir: "spool",
          flush_timeout: "10ms",
          command_spans: true,
          endpoint_policy: "add",
          endpoints: [{ url: collector.url }, { url: busy.url }],
        },
      },
      runner: { request_concurrency: 4 },
      prepare: (coordinator) =>
        coordinator.script("request", ...seeds.map((secrets, index) => aLeakyJob(index, secrets))),
      manager: {
        log: createLog({ level: "debug", format: "json", write: (line) => void logged.push(line) }),
        metrics: metrics.recorder,
      },
    },
  );
  seen.set("spans", collector.bytes());
  seen.set("runner log", Buffer.from(logged.join("")));

  for (const where of ["spans", "spool", "runner log", "job log"]) {
    assert.ok(seen.get(where)?.includes(witness), `${where}: the texts beside the secrets are there`);
  }
  for (const [where, bytes] of seen) {
    for (const { any, word } of seeds) {
      for (const secret of [any, word]) {
        const forms = where === "job log" ? { plain: secret } : encodingsOf(secret);
        for (const [encoding, form] of Object.entries(forms)) {
          assert.ok(!bytes.includes(form), `${where} holds ${secret} (${encoding}); seed ${seed}`);
        }
      }
    }
  }
});

/** Every encoding that telemetry.md §5 names, as it looks inside a longer text. */
function encodingsOf(secret: string): Record<string, string> {
  const percent = (bytes: Buffer) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  return {
    plain: secret,
    "URL-encoded": encodeURIComponent(secret),
    "form-encoded": new URLSearchParams([["", secret]]).toString().slice(1),
    "percent-encoded throughout": percent(Buffer.from(secret)),
    ...Object.fromEntries(
      ["", "a", "ab"].flatMap((before) =>
        (["base64", "base64url"] as const).map((encoding) => [
          `${encoding} behind ${before.length} bytes`,
          whollyOwn(secret, before.length, encoding),
        ]),
      ),
    ),
  };
}

/** The characters of base64 text that the secret alone decides, `offset` bytes after the beginning of a group. */
function whollyOwn(secret: string, offset: number, encoding: "base64" | "base64url"): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
  const text = bytes.toString(encoding).replaceAll("=", "");
  return text.slice(Math.ceil((offset * 4) / 3), Math.floor((bytes.length * 4) / 3));
}

/** A job whose every text holds its secrets in every encoding, cut by writes, and that fails in several ways. */
function aLeakyJob(index: number, { any, word }: Secrets) {
  const id = index + 1;
  const dump = (secret: string): string =>
    [
      `${witness}-job-${index} ${secret}`,
      encodeURIComponent(secret),
      new URLSearchParams([["", secret]]).toString(),
      ...["", "a", "ab"].flatMap((before) =>
        (["base64", "base64url"] as const).map((encoding) => Buffer.from(`${before}${secret} z`).toString(encoding)),
      ),
      `https://user:${encodeURIComponent(secret)}@example.invalid/?private_token=${encodeURIComponent(secret)}`,
    ].join(" ");
  const everything = `${dump(any)} ${dump(word)}`;
  const middle = Math.floor(word.length / 2);
  const script = [
    "echo $ANY; echo $WORD",
    // In two writes: what masks a stream must not be fooled by where it is cut.
    `printf '%s' "${"$"}{WORD:0:${middle}}"; sleep 0.01; printf '%s\\n' "${"$"}{WORD:${middle}}"`,
    `printf 'section_start:1:%s_${word}\\r\\033[0K%s\\nsection_end:1:%s_${word}\\r\\033[0K' ${witness} "$ALL" ${witness}`,
    `: ${witness} ${word} ${Buffer.from(`ab${word}`).toString("base64")}`,
    'echo "$ALL"; printf %s "$ANY" | base64; exit 3',
  ];
  const steps = [
    { name: `step ${everything}`, script: "true" },
    { name: `unknown_${word}`, func: `./functions/${word}`, inputs: { value: everything } },
  ];
  const isFunctionJob = index % 3 === 2;
  return aScriptJob(id, script, {
    steps: isFunctionJob ? [] : [{ name: "script", script }],
    ...(isFunctionJob ? { run: JSON.stringify(steps) } : {}),
    job_info: { name: everything, stage: everything, project_id: 1, project_name: word, project_full_path: everything },
    git_info: {
      repo_url: `https://${word}:${encodeURIComponent(any)}@127.0.0.1:1/${word}.git`,
      ref: everything,
      sha: "168895d38e3dd31074fa44e95f676d0c6a03af0b",
      before_sha: "0".repeat(40),
      ref_type: "branch",
      refspecs: [`+refs/heads/${word}:refs/remotes/origin/main`],
      depth: 1,
    },
    variables: [
      aVariable("ANY", any, { masked: true, raw: true }),
      aVariable("WORD", word, { masked: true, raw: true }),
      aVariable("ALL", everything, { raw: true }),
      aVariable("CI_PIPELINE_ID", "77"),
      aVariable("CI_PIPELINE_SOURCE", everything, { raw: true }),
      aVariable("CI_PROJECT_PATH", everything, { raw: true }),
      aVariable("CI_JOB_URL", `https://example.invalid/${everything}`, { raw: true }),
      // Some fail as they fetch.
      aVariable("GIT_STRATEGY", index % 4 === 1 ? "clone" : "none"),
      aVariable("GET_SOURCES_ATTEMPTS", "1"),
    ],
    cache: [{ key: everything, paths: [word], policy: "pull-push", when: "always" }],
    artifacts: [{ name: everything, paths: [everything], when: "always", artifact_type: "archive" }],
    features: { trace_sections: true, tracing: { trace_id: id.toString(16).padStart(32, "0"), otel_endpoints: [] } },
  });
}

interface ByteCollector extends AsyncDisposable {
  readonly url: string;
  /** All that was ever sent. */
  bytes(): Buffer;
  waitFor(condition: (sent: Buffer) => boolean): Promise<void>;
}

/** An endpoint that keeps every byte of its requests, headers included. */
async function startByteCollector({ status }: { status: number }): Promise<ByteCollector> {
  const received: Buffer[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    received.push(Buffer.from(JSON.stringify(request.rawHeaders)), await buffer(request));
    response.writeHead(status).end();
    for (const look of waiting) look();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes: () => Buffer.concat(received),
    async waitFor(condition) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => condition(Buffer.concat(received)) && resolve();
      waiting.add(look);
      look();
      await promise.finally(() => waiting.delete(look));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bytesBelow(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries.map((entry) => Buffer.from(path.join(entry.parentPath, entry.name)));
  const files = entries.filter((entry) => entry.isFile());
  const contents = await Promise.all(files.map((entry) => readFile(path.join(entry.parentPath, entry.name))));
  return Buffer.concat([...names, ...contents]);
}

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type OtlpReceiver, startOtlpReceiver } from "@jobscope/labkit/testing";
import { startStack } from "../support/stack.ts";
import { temporaryRepository } from "../support/temporary-repository.ts";

const configuration = `
job:
  variables: { FF_TIMESTAMPS: "false", FF_USE_GITALY_CORRELATION_ID: "false" }
  script:
    - echo before
    - for i in 1 2 3 4 5; do printf 'section_start:1:part_%s\\r\\033[0KPart\\nsection_end:1:part_%s\\r\\033[0K' $i $i; done
    - exit 3
  after_script:
    - echo afterwards
`;

/** What an endpoint can do wrong; each must leave the job as it is without telemetry. */
const faults: { name: string; behave: (receiver: OtlpReceiver) => void }[] = [
  { name: "it accepts and stays silent", behave: (receiver) => receiver.always({ kind: "hang" }) },
  { name: "it closes the connection", behave: (receiver) => receiver.always({ kind: "reset", when: "before-answer" }) },
  {
    name: "it answers 503",
    behave: (receiver) => receiver.always({ kind: "status", status: 503, retryAfterMs: 60_000 }),
  },
  { name: "it answers 400", behave: (receiver) => receiver.always({ kind: "status", status: 400 }) },
  { name: "it answers 401", behave: (receiver) => receiver.always({ kind: "status", status: 401 }) },
  {
    name: "it redirects",
    behave: (receiver) => receiver.always({ kind: "redirect", location: "http://127.0.0.1:1/" }),
  },
  {
    name: "it dies in the middle of the job",
    behave: (receiver) => {
      receiver.next({ kind: "accept" }, { kind: "reset", when: "mid-answer" });
      receiver.always({ kind: "hang" });
    },
  },
];

describe("a telemetry endpoint that fails changes nothing of the job", { concurrency: 2 }, () => {
  let expected: { log: string; verdict: unknown };

  before(async () => {
    expected = await runJob([]);
    assert.match(expected.log, /before[\s\S]*afterwards[\s\S]*Job failed: exit status 3/);
  });

  for (const { name, behave } of faults) {
    test(name, async () => {
      await using receiver = await startOtlpReceiver();
      behave(receiver);
      assert.deepEqual(await runJob([receiver.url]), expected);
    });
  }

  test("nobody listens", async () => {
    const receiver = await startOtlpReceiver();
    await receiver[Symbol.asyncDispose]();
    assert.deepEqual(await runJob([receiver.url]), expected);
  });
});

async function runJob(endpointUrls: readonly string[]): Promise<{ log: string; verdict: unknown }> {
  await using repository = await temporaryRepository({ ".gitlab-ci.yml": configuration });
  await using stack = await startStack({ endpointUrls, ...(endpointUrls.length === 0 ? untraced : {}) });
  const pipeline = await stack.coordinator.createPipeline({ repository: repository.path });
  await pipeline.finished;
  const [job] = pipeline.jobs();
  assert(job !== undefined);
  const log = Buffer.from(await stack.coordinator.readJobLog(job.id)).toString();
  return {
    log: withoutWhatVaries(log),
    verdict: { state: job.state, failureReason: job.failureReason, exitCode: job.exitCode },
  };
}

const untraced = { telemetry: { form: "none", endpoints: [] } } as const;

/** Clock times, random directories, tokens and commit ids differ from run to run. */
function withoutWhatVaries(log: string): string {
  return log
    .replace(/section_(start|end):\d+:/g, "section_$1:0:")
    .replace(/\/builds\/\w+\//g, "/builds/token/")
    .replace(/jobscope-(test|repository)-\w+/g, "$1")
    .replace(/127\.0\.0\.1:\d+/g, "address")
    .replace(/\b[0-9a-f]{8}\b as detached/g, "commit as detached")
    .replace(/on test runner \S+/g, "on test runner");
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

interface ChecklistItem {
  readonly number: number;
  readonly requirement: string;
  /** The tests that prove it, by file below the package: names as they stand in the source. */
  readonly tests?: Readonly<Record<string, readonly string[]>>;
  /** Why there is none. */
  readonly elsewhere?: string;
}

/** What a real GitLab expects of a runner. Source: runner-protocol.md §9.2, by its numbers. */
const checklist: readonly ChecklistItem[] = [
  {
    number: 1,
    requirement: "full info with the implemented features",
    tests: {
      "test/coordinator-client.test.ts": [
        "a job request announces only what is implemented and names token and system id",
      ],
      "test/commands.test.ts": ["register verifies an authentication token with all features and adds the runner"],
    },
  },
  {
    number: 2,
    requirement: "one system id per installation",
    tests: {
      "src/config/system-id.test.ts": [
        "a system id is made once and kept beside the configuration",
        "a kept id that is malformed is replaced",
      ],
    },
  },
  {
    number: 3,
    requirement: "X-GitLab-Last-Update is echoed",
    tests: {
      "test/coordinator-client.test.ts": [
        "the last-update cursor is sent back as it came, and kept when an answer has none",
      ],
    },
  },
  {
    number: 4,
    requirement: "acknowledged right after 201",
    tests: {
      "test/runner-manager.test.ts": [
        "a job is acknowledged before anything of it is prepared",
        "a job that the coordinator took back before it began is dropped without a word",
      ],
    },
  },
  {
    number: 5,
    requirement: "JOB-TOKEN for job calls, kept out of logs",
    tests: {
      "test/coordinator-client.test.ts": [
        "a slice travels with an inclusive Content-Range and the job token in a header",
        "an error names the operation and the address, never a token",
      ],
      "test/runner-manager.test.ts": ["no token is in the runner log, whatever the coordinator answers"],
    },
  },
  {
    number: 6,
    requirement: "log slices, 416, update interval, touch",
    tests: {
      "test/job-reporter.test.ts": [
        "a long log goes in slices of 1 MiB",
        "416 continues at the exclusive end of its Range",
        "the coordinator's update interval replaces ours",
        "silence for longer than the force-send interval brings another sign of life",
        "the offset never skips a byte, whatever the coordinator stored of each slice",
      ],
    },
  },
  {
    number: 7,
    requirement: "final order, 202 and 412",
    tests: {
      "test/job-reporter.test.ts": ["202 repeats the state until it is 200", "412 sends the whole log again"],
      "test/coordinator-client.test.ts": [
        "a final update has checksum and size twice, and no exit code when that is 0",
      ],
      "test/recorded-conversations.test.ts": [
        "the calls of 15 jobs are those that GitLab's runner 15.4 made, and the newer ones of the protocol",
      ],
    },
  },
  {
    number: 8,
    requirement: "exit code left out when 0, reasons the coordinator knows",
    tests: {
      "test/coordinator-client.test.ts": [
        "a final update has checksum and size twice, and no exit code when that is 0",
      ],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the name as it stands in the source
      "src/coordinator-client/failure-reason.test.ts": ["a coordinator that lists ${reason} hears it"],
    },
  },
  {
    number: 9,
    requirement: "retries, and none of a job request whose connection broke",
    tests: {
      "src/coordinator-client/http/retry-decision.test.ts": [
        "RateLimit-ResetTime comes before Retry-After",
        "Retry-After is whole seconds",
        "the fifth answer is final",
      ],
      "test/job-reporter.test.ts": ["a reset connection is tried again in another round"],
      "test/runner-manager.test.ts": ["a job request whose connection broke is made again at the entry's next turn"],
    },
  },
  {
    number: 10,
    requirement: "variables",
    tests: {
      "src/shell/variable-set.test.ts": [
        "the last entry of a key wins, in its place",
        "values are expanded once against the unexpanded values, raw ones not at all",
        "a reference to a file variable gives its path",
      ],
      "test/job-scripts.test.ts": ["the variables of runner-protocol.md §3.2 are there, in their order of precedence"],
    },
  },
  {
    number: 11,
    requirement: "stage order and after_script",
    tests: {
      "test/job-scripts.test.ts": [
        "steps run in order under their own names; after_script last",
        "pre- and post-build scripts of the runner frame the step, not after_script",
      ],
      "test/job-interruptions.test.ts": ["a script that exits with 3", "RUNNER_AFTER_SCRIPT_TIMEOUT"],
      "test/job-spans.test.ts": ["stages that had nothing to do have none"],
    },
  },
  {
    number: 12,
    requirement: "cancel and abort",
    tests: {
      "test/runner-manager.test.ts": [
        "canceling stops the script and still runs after_script",
        "an aborted job dies at once and is not reported as anything else",
      ],
      "test/job-interruptions.test.ts": [
        "a graceful cancel before the script",
        "a graceful cancel during after_script",
      ],
    },
  },
  {
    number: 13,
    requirement: "masking before timestamps, across chunk borders, prefixes and URL parameters",
    tests: {
      "src/job/log/job-log.test.ts": ["a secret is masked before timestamps, wherever the output is cut"],
      "../labkit/src/masking/log-masker.test.ts": [
        "any cutting gives the same bytes, and no phrase is left between the replacements",
        "the longest phrase comes first",
      ],
      "test/job-scripts.test.ts": ["secrets stay out of the log however they are printed, on both streams"],
    },
  },
  {
    number: 14,
    requirement: "section markers",
    tests: {
      "src/job/log/job-log.test.ts": [
        "runner lines, headings and markers have GitLab's bytes (runner-protocol.md §2.4)",
      ],
    },
  },
  {
    number: 15,
    requirement: "no token in .git/config, leftovers and file variables removed",
    tests: {
      "test/job-sources.test.ts": [
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the name as it stands in the source
        "over HTTP the token is used and stays out of .git/config (FF_GIT_URLS_WITHOUT_TOKENS=${flag})",
        "locks of a killed git do not stop the next one",
        "file variables and what they were written to are gone afterwards",
      ],
    },
  },
  {
    number: 16,
    requirement: "caches and artifacts",
    tests: {
      "test/job-artifacts.test.ts": [
        "a key that leads outside is made safe, one that is nothing is left out",
        "a damaged cache is said to be one and fails nothing",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the name as it stands in the source
        "an upload answered with ${status} is not repeated, fails the job and ends the stage",
        "nothing to upload fails nothing",
      ],
    },
  },
  {
    number: 17,
    requirement: "docker: the image's entrypoint, its user, a container for each role",
    tests: {
      "test/docker/docker-jobs.test.ts": [
        "an entrypoint of the image is kept, one of the job's replaces it",
        "a user of the image who is not root can write to the project directory",
        "state of the build container stays between its stages, background processes do not",
      ],
    },
  },
  { number: 18, requirement: "custom driver", elsewhere: "there is no custom executor" },
  {
    number: 19,
    requirement: "unknown fields are passed over",
    tests: {
      "src/coordinator-client/read-job.test.ts": [
        "unknown fields, unknown failure reasons and credentials of another type are passed over",
      ],
    },
  },
];

test("every number of the checklist is there", () => {
  assert.deepEqual(
    checklist.map(({ number }) => number),
    Array.from({ length: 19 }, (_, index) => index + 1),
  );
});

for (const { number, requirement, tests = {}, elsewhere } of checklist) {
  test(`checklist ${number}, ${requirement}: ${elsewhere ?? "its tests are there"}`, () => {
    assert.ok(Object.keys(tests).length > 0 || elsewhere !== undefined);
    for (const [file, names] of Object.entries(tests)) {
      const registered = testNames(readFileSync(path.join(import.meta.dirname, "..", file), "utf8"));
      for (const name of names) {
        assert.ok(
          [...registered].some((one) => one === name || one.endsWith(`: ${name}`)),
          `${file} has a test "${name}"; it has\n  ${[...registered].join("\n  ")}`,
        );
      }
    }
  });
}

/** What is passed to `test` as a name, and the `name`s of rows that a loop makes tests of; comments are none. */
function testNames(source: string): ReadonlySet<string> {
  const code = source.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, "");
  const calls = code.matchAll(/\b(?:test|it)\(\s*(["'`])((?:\\.|(?!\1).)*)\1/g);
  const rows = /\btest\(\s*(?:name\b|row\.name\b|recording\.name\b|`[^`]*\$\{name\})/.test(code)
    ? code.matchAll(/\bname: (["'`])((?:\\.|(?!\1).)*)\1/g)
    : [];
  return new Set([...calls, ...rows].map(([, , name = ""]) => name));
}

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

interface ChecklistItem {
  readonly number: number;
  readonly requirement: string;
  /** Names of the tests that prove it, as they stand in the source. `elsewhere`: why there is none. */
  readonly tests?: readonly string[];
  readonly elsewhere?: string;
}

/** What a real GitLab expects of a runner. Source: runner-protocol.md §9.2, by its numbers. */
const checklist: readonly ChecklistItem[] = [
  {
    number: 1,
    requirement: "full info with the implemented features",
    tests: [
      "a job request announces only what is implemented and names token and system id",
      "register verifies an authentication token with all features and adds the runner",
    ],
  },
  {
    number: 2,
    requirement: "one system id per installation",
    tests: ["a system id is made once and kept beside the configuration"],
  },
  {
    number: 3,
    requirement: "X-GitLab-Last-Update is echoed",
    tests: ["the last-update cursor is sent back as it came, and kept when an answer has none"],
  },
  {
    number: 4,
    requirement: "acknowledged right after 201",
    tests: ["a job is acknowledged, run and reported with its log"],
  },
  {
    number: 5,
    requirement: "JOB-TOKEN for job calls, kept out of logs",
    tests: [
      "a slice travels with an inclusive Content-Range and the job token in a header",
      "an error names the operation and the address, never a token",
    ],
  },
  {
    number: 6,
    requirement: "log slices, 416, update interval, touch",
    tests: [
      "a long log goes in slices of 1 MiB",
      "416 continues at the exclusive end of its Range",
      "the coordinator's update interval replaces ours",
      "silence for longer than the force-send interval brings another sign of life",
    ],
  },
  {
    number: 7,
    requirement: "final order, 202 and 412",
    tests: [
      "202 repeats the state until it is 200",
      "412 sends the whole log again",
      "a final update has checksum and size twice, and no exit code when that is 0",
    ],
  },
  {
    number: 8,
    requirement: "exit code left out when 0, reasons the coordinator knows",
    tests: [
      "a final update has checksum and size twice, and no exit code when that is 0",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the name as it stands in the source
      "a coordinator that lists ${reason} hears it",
    ],
  },
  { number: 9, requirement: "retries", tests: ["a reset connection is tried again in another round"] },
  {
    number: 10,
    requirement: "variables",
    tests: [
      "the last entry of a key wins, in its place",
      "values are expanded once against the unexpanded values, raw ones not at all",
      "a reference to a file variable gives its path",
    ],
  },
  {
    number: 11,
    requirement: "stage order and after_script",
    tests: [
      "steps run in order under their own names; after_script last",
      "pre- and post-build scripts of the runner frame the step, not after_script",
    ],
  },
  {
    number: 12,
    requirement: "cancel and abort",
    tests: [
      "canceling stops the script and still runs after_script",
      "an aborted job dies at once and is not reported as anything else",
    ],
  },
  {
    number: 13,
    requirement: "masking before timestamps, across chunk borders",
    tests: ["a secret is masked before timestamps, wherever the output is cut"],
  },
  {
    number: 14,
    requirement: "section markers",
    tests: ["runner lines, headings and markers have GitLab's bytes (runner-protocol.md §2.4)"],
  },
  {
    number: 15,
    requirement: "no token in .git/config, leftovers and file variables removed",
    tests: [
      "stays out of .git/config",
      "locks of a killed git do not stop the next one",
      "file variables and what they were written to are gone afterwards",
    ],
  },
  {
    number: 16,
    requirement: "caches and artifacts",
    tests: [
      "a key that leads outside is made safe, one that is nothing is left out",
      "a damaged cache is said to be one and fails nothing",
      "is not repeated, fails the job and ends the stage",
      "nothing to upload fails nothing",
    ],
  },
  { number: 17, requirement: "docker", elsewhere: "this package has the shell executor alone" },
  { number: 18, requirement: "custom driver", elsewhere: "this package has the shell executor alone" },
  {
    number: 19,
    requirement: "unknown fields are passed over",
    tests: ["unknown fields, unknown failure reasons and credentials of another type are passed over"],
  },
];

const self = import.meta.filename;
const packageDirectory = path.join(import.meta.dirname, "..");
const source = globSync(["src/**/*.test.ts", "test/**/*.test.ts"], { cwd: packageDirectory })
  .map((file) => path.join(packageDirectory, file))
  .filter((file) => file !== self)
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

for (const { number, requirement, tests = [], elsewhere } of checklist) {
  test(`checklist ${number}, ${requirement}: ${elsewhere ?? "its tests are there"}`, () => {
    assert.ok(tests.length > 0 || elsewhere !== undefined);
    for (const name of tests) assert.ok(source.includes(name), `there is a test "${name}"`);
  });
}

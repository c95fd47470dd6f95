/**
 * `npm run bench [-- name…] [-- --write]`: runs the benchmarks, one after the other, and prints their figures.
 *
 * `--write` also puts them into docs/benchmarks.md, with the machine that they were measured on.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { collectorIngest } from "./collector-ingest.ts";
import { containerFunctions } from "./container-functions.ts";
import { containerJobs } from "./container-jobs.ts";
import { exportLoad } from "./export-load.ts";
import { exporter } from "./exporter.ts";
import { expressions } from "./expressions.ts";
import { faultyEndpoints } from "./faulty-endpoints.ts";
import { functionOverhead } from "./function-overhead.ts";
import { handOut } from "./hand-out.ts";
import { jobOverhead } from "./job-overhead.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { runnerThroughput } from "./runner-throughput.ts";
import type { Benchmark, Figure } from "./support/figures.ts";

const benchmarks: readonly Benchmark[] = [
  jobOverhead,
  faultyEndpoints,
  functionOverhead,
  containerFunctions,
  expressions,
  exporter,
  exportLoad,
  collectorIngest,
  latency,
  memory,
  runnerThroughput,
  containerJobs,
  handOut,
];

const names = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const unknown = names.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  const known = benchmarks.map(({ name }) => name).join(", ");
  process.stderr.write(`no benchmark ${unknown.join(", ")}; there are ${known}\n`);
  process.exit(2);
}

const sections: string[] = [];
for (const benchmark of benchmarks) {
  if (names.length > 0 && !names.includes(benchmark.name)) continue;
  process.stderr.write(`${benchmark.name} …\n`);
  const section = sectionOf(benchmark, await benchmark.run());
  process.stdout.write(`${section}\n`);
  sections.push(section);
}
if (process.argv.includes("--write")) writeFileSync("docs/benchmarks.md", [introduction(), ...sections].join("\n"));

function sectionOf({ title, method }: Benchmark, figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, target }) => `| ${what} | ${value} | ${target} |`);
  return [`## ${title}`, "", method, "", "| figure | measured | target |", "|---|--:|--:|", ...rows, ""].join("\n");
}

function introduction(): string {
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"]).toString().trim();
  return [
    "# Benchmarks",
    "",
    "`npm run bench -- --write` measures what stands here. Figures of one machine mean little on another: compare ratios.",
    "",
    `Measured on ${cpus().length} cores (${cpus()[0]?.model.trim()}) with ${memoryGib} GiB, Node ${process.version}, ` +
      `Linux, at commit ${commit}.`,
    "",
  ].join("\n");
}

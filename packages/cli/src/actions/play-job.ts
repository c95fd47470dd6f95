import { connectToCoordinator, type PlayableJob } from "@jobscope/coordinator";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import { openDataDir } from "../data-dir.ts";
import type { Palette } from "../view/palette.ts";
import { tableLines } from "../view/table.ts";

/** The command line of `jobscope play`. */
export interface PlayFlags {
  readonly input?: readonly string[];
  readonly yes?: boolean;
  readonly data: string;
}

/**
 * `jobscope play`: starts a job that waits for somebody, or lists those jobs.
 * @throws {CommandError} when no coordinator runs, no such job waits, or it must be confirmed.
 */
export async function playJob(
  wanted: string | undefined,
  flags: PlayFlags,
  { stdout, palette }: CommandContext,
): Promise<void> {
  const dataDir = await openDataDir(flags.data);
  using coordinator = await connectToCoordinator(dataDir.coordinator);
  if (coordinator === undefined) {
    throw new CommandError(`no coordinator runs on ${dataDir.path}`, { hint: "Start one: jobscope up" });
  }
  const jobs = await coordinator.playableJobs();
  if (wanted === undefined) {
    stdout.write(jobs.length === 0 ? "No job waits to be started.\n" : `${listed(jobs, palette).join("\n")}\n`);
    return;
  }
  const job = jobs.find(({ id, name }) => String(id) === wanted || name === wanted);
  if (job === undefined) {
    throw new CommandError(`no job "${wanted}" waits to be started`, { hint: "`jobscope play` lists those that do." });
  }
  if (job.confirmation !== undefined && flags.yes !== true) {
    throw new CommandError(`${job.name} asks: ${job.confirmation}`, { hint: "Confirm it: --yes" });
  }
  await coordinator.playJob(job, inputsOf(flags.input ?? [], job));
  stdout.write(`started ${job.name} (job ${job.id}) of pipeline ${job.pipelineId}\n`);
}

function listed(jobs: readonly PlayableJob[], palette: Palette): string[] {
  const rows = jobs.map(({ id, name, pipelineId, inputTypes }) => [
    String(id),
    name,
    String(pipelineId),
    [...inputTypes.keys()].join(", "),
  ]);
  const columns = [{ title: "job" }, { title: "name" }, { title: "pipeline" }, { title: "inputs" }];
  return tableLines(columns, rows, { palette });
}

/** Texts of the command line → values of the types that the job's inputs have; the coordinator judges them. */
function inputsOf(texts: readonly string[], { inputTypes }: PlayableJob): Record<string, unknown> {
  const inputs = texts.map((text): [string, unknown] => {
    const equals = text.indexOf("=");
    if (equals < 1) throw new CommandError(`--input: "${text}" is not NAME=VALUE`);
    const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
    const type = inputTypes.get(name) ?? "string";
    return [name, type === "string" ? value : parsed(value, `--input ${name}: "${value}" is no ${type}`)];
  });
  return Object.fromEntries(inputs);
}

function parsed(text: string, complaint: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError(complaint, { cause });
  }
}

import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { JobVariable, RunStepsOptions, StepEnd, StepObserver, StepsOutcome } from "../src/index.ts";
import { createFunctionSources, createLocalProcesses, runSteps } from "../src/index.ts";

/** What an observer saw of one invocation. */
export interface SeenStep {
  readonly name: string;
  readonly reference: string;
  readonly version: string;
  readonly kind: string;
  readonly depth: number;
  readonly parent: SeenStep | undefined;
  type?: string;
  digest?: string | undefined;
  end?: StepEnd;
  readonly fetches: Record<string, unknown>[];
}

/** A job directory with functions in it, and everything else a run needs; gone when disposed. */
export class JobFixture implements AsyncDisposable {
  readonly root: string;
  readonly workDir: string;
  readonly cacheDir: string;
  readonly tempDir: string;
  readonly sensitiveTexts: string[] = [];
  readonly seen: SeenStep[] = [];

  private constructor(root: string) {
    this.root = root;
    this.workDir = join(root, "work");
    this.cacheDir = join(root, "cache");
    this.tempDir = join(root, "temp");
  }

  /** @param files content by path below the job's directory. */
  static async create(files: Readonly<Record<string, string>> = {}): Promise<JobFixture> {
    const fixture = new JobFixture(await mkdtemp(join(tmpdir(), "functions-test-")));
    await mkdir(fixture.workDir);
    for (const [path, content] of Object.entries(files)) await fixture.write(path, content);
    return fixture;
  }

  async write(path: string, content: string, mode = 0o644): Promise<void> {
    const target = join(this.workDir, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content, { mode });
  }

  async run(
    steps: RunStepsOptions["steps"],
    options: Partial<RunStepsOptions> & { vars?: Record<string, string>; variables?: JobVariable[] } = {},
  ): Promise<StepsOutcome & { readonly log: string; readonly lines: readonly string[] }> {
    const chunks: Uint8Array[] = [];
    const { vars = {}, variables = [], ...rest } = options;
    await using processes = createLocalProcesses({ tempDir: this.tempDir });
    const outcome = await runSteps({
      steps,
      workDir: this.workDir,
      processes,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", BASE: "base" },
      jobVariables: [...Object.entries(vars).map(([key, value]) => ({ key, value })), ...variables],
      sources: createFunctionSources({ cacheDir: this.cacheDir }),
      log: { write: (chunk) => void chunks.push(chunk) },
      signal: AbortSignal.timeout(20_000),
      observer: this.observer(),
      onSensitiveText: (text) => void this.sensitiveTexts.push(text),
      ...rest,
    });
    const log = Buffer.concat(chunks).toString();
    return { ...outcome, log, lines: log.split("\n").filter(Boolean) };
  }

  /** Output lines of the commands, without the lines that name steps. */
  async output(steps: RunStepsOptions["steps"], options: Parameters<JobFixture["run"]>[1] = {}): Promise<string[]> {
    const { error, lines } = await this.run(steps, options);
    if (error !== undefined) throw error;
    return lines.filter((line) => !line.startsWith("Running step name="));
  }

  observer(): StepObserver {
    const seenByObservation = new Map<unknown, SeenStep>();
    return {
      stepStarted: ({ parent, ...start }) => {
        const seen: SeenStep = { ...start, parent: seenByObservation.get(parent), fetches: [] };
        this.seen.push(seen);
        const observation = {
          environment: { TRACEPARENT: `trace-of-${start.name}` },
          loaded: (facts: object) => void Object.assign(seen, facts),
          fetchStarted: (fetchStart: object) => ({
            ended: (end: object) => void seen.fetches.push({ ...fetchStart, ...end }),
          }),
          ended: (end: StepEnd) => {
            seen.end = end;
          },
        };
        seenByObservation.set(observation, seen);
        return observation;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = await readdir(this.tempDir).catch(() => []);
    await rm(this.root, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
  }
}

/** A definition file in exec form that runs a shell text. */
export function shellFunction(script: string, spec: object = {}): string {
  return `${JSON.stringify({ spec })}\n---\n${JSON.stringify({ exec: { command: ["sh", "-ec", script] } })}\n`;
}

/** A definition file of any form. */
export function functionFile(spec: object, definition: object): string {
  return `${JSON.stringify({ spec })}\n---\n${JSON.stringify(definition)}\n`;
}

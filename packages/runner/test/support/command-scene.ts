import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { CommandIo } from "../../src/commands/command-io.ts";
import { type ScriptableCoordinator, startScriptableCoordinator } from "./scriptable-coordinator.ts";

export interface CommandScene {
  readonly coordinator: ScriptableCoordinator;
  readonly configFile: string;
  readonly directory: string;
  readonly io: CommandIo;
  /** Everything printed so far; ends the streams. */
  printed(): Promise<{ readonly stdout: string; readonly stderr: string }>;
  config(): Promise<string>;
}

/** A configuration file, a coordinator and streams for one command. `config` may hold `URL` for the coordinator's. */
export async function withCommand(
  run: (scene: CommandScene) => Promise<void>,
  options: { readonly config?: string; readonly answers?: string } = {},
): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-command-"));
  try {
    await using coordinator = await startScriptableCoordinator();
    const configFile = path.join(directory, "config.toml");
    if (options.config !== undefined) await writeFile(configFile, options.config.replaceAll("URL", coordinator.url));
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const { signal } = new AbortController();
    const io: CommandIo = { stdin: Readable.from([options.answers ?? ""]), stdout, stderr, environment: {}, signal };
    const printed = async () => {
      stdout.end();
      stderr.end();
      return { stdout: await text(stdout), stderr: await text(stderr) };
    };
    await run({ coordinator, configFile, directory, io, printed, config: () => readFile(configFile, "utf8") });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

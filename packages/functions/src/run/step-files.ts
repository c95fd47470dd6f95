import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { JobVariable } from "./run-options.ts";

/** The two files a function writes its outputs and exports to (ci-functions.md §4.5). */
export interface StepFiles {
  readonly outputFile: string;
  readonly exportFile: string;
}

/**
 * The private directory of one job: files of its steps and of its file variables. Gone when disposed.
 *
 * The files of a step are made and removed synchronously: a few microseconds on a local disk, where the way through
 * Node's thread pool cost 1.5 ms a step.
 */
export class JobFiles implements AsyncDisposable {
  readonly directory: string;
  readonly #fileMode: number;
  #count = 0;

  private constructor(directory: string, fileMode: number) {
    this.directory = directory;
    this.#fileMode = fileMode;
  }

  /** @param asAnyUser commands may run as another user: files are then open to all. */
  static async create(tempDir: string, asAnyUser: boolean): Promise<JobFiles> {
    await mkdir(tempDir, { recursive: true });
    const directory = await mkdtemp(join(tempDir, "jobscope-functions-"));
    if (asAnyUser) await chmod(directory, 0o755);
    return new JobFiles(directory, asAnyUser ? 0o666 : 0o600);
  }

  /** Two fresh, empty files for one invocation. */
  createStepFiles(): StepFiles {
    this.#count++;
    const outputFile = join(this.directory, `${this.#count}-output`);
    const exportFile = join(this.directory, `${this.#count}-export`);
    this.#write(outputFile, "");
    this.#write(exportFile, "");
    return { outputFile, exportFile };
  }

  removeStepFiles(files: StepFiles): void {
    // a command may have put a directory in their place
    rmSync(files.outputFile, { force: true, recursive: true });
    rmSync(files.exportFile, { force: true, recursive: true });
  }

  /** Writes the job's file variables. @returns the value expressions see for each variable: for a file, its path (§8.2). */
  writeVariables(variables: readonly JobVariable[]): Record<string, string> {
    const directory = join(this.directory, "variables");
    const values = new Map<string, string>();
    for (const { key, value, file } of variables) {
      if (!file) {
        values.set(key, value);
        continue;
      }
      mkdirSync(directory, { recursive: true });
      const path = join(directory, key.replace(/[^A-Za-z0-9_.-]|^\.+/g, "_"));
      this.#write(path, value);
      values.set(key, path);
    }
    return Object.fromEntries(values);
  }

  #write(path: string, content: string): void {
    writeFileSync(path, content, { mode: this.#fileMode });
    if (this.#fileMode !== 0o600) chmodSync(path, this.#fileMode); // the umask does not apply to what must be shared
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

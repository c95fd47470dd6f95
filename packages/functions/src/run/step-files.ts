import { join } from "node:path/posix";
import type { HostFiles } from "./host-files.ts";
import type { JobVariable } from "./run-options.ts";

/** The two files a function writes its outputs and exports to (ci-functions.md §4.5). */
export interface StepFiles {
  readonly outputFile: string;
  readonly exportFile: string;
}

/** Of scripts and built-ins, which no expression of their own tells where such files would be. */
export const noStepFiles: StepFiles = { outputFile: "", exportFile: "" };

/** The private directory of one job: files of its steps and of its file variables. Gone when disposed. */
export class JobFiles implements AsyncDisposable {
  readonly #host: HostFiles;
  readonly #directory: string;
  #count = 0;

  private constructor(host: HostFiles, directory: string) {
    this.#host = host;
    this.#directory = directory;
  }

  static async create(host: HostFiles): Promise<JobFiles> {
    return new JobFiles(host, await host.createPrivateDirectory());
  }

  /** Two fresh, empty files for one invocation. */
  async createStepFiles(): Promise<StepFiles> {
    this.#count++;
    const outputFile = join(this.#directory, `${this.#count}-output`);
    const exportFile = join(this.#directory, `${this.#count}-export`);
    await Promise.all([this.#host.writeFile(outputFile, "", 0o600), this.#host.writeFile(exportFile, "", 0o600)]);
    return { outputFile, exportFile };
  }

  async removeStepFiles(files: StepFiles): Promise<void> {
    if (files !== noStepFiles) await this.#host.remove([files.outputFile, files.exportFile]);
  }

  /** Writes the job's file variables. @returns the value expressions see for each variable: for a file, its path (§8.2). */
  async writeVariables(variables: readonly JobVariable[]): Promise<Record<string, string>> {
    const directory = join(this.#directory, "variables");
    const values = new Map<string, string>();
    if (variables.some(({ file }) => file)) await this.#host.makeDirectory(directory);
    for (const { key, value, file } of variables) {
      const path = join(directory, key.replace(/[^A-Za-z0-9_.-]|^\.+/g, "_"));
      if (file) await this.#host.writeFile(path, value, 0o600);
      values.set(key, file ? path : value);
    }
    return Object.fromEntries(values);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.remove([this.#directory]);
  }
}

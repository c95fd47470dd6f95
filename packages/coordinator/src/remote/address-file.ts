import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";

/** Where a coordinator listens, for processes of the same user. */
export interface CoordinatorAddress {
  readonly url: string;
  /** See `Coordinator.localToken`. */
  readonly token: string;
}

const content = z.object({ url: z.url(), token: z.string(), pid: z.number() });

/** Writes the file, for its owner only; disposal removes it. */
export async function publishAddress(file: string, address: CoordinatorAddress): Promise<AsyncDisposable> {
  const text = JSON.stringify({ ...address, pid: process.pid });
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return {
    async [Symbol.asyncDispose]() {
      await rm(file, { force: true });
    },
  };
}

/** @returns `undefined` when there is no such file, or the process that wrote it is gone. */
export async function readAddress(file: string): Promise<CoordinatorAddress | undefined> {
  const text = await readFile(file, "utf8").catch(() => "null");
  const { data } = content.safeParse(parseJson(text));
  return data !== undefined && isAlive(data.pid) ? { url: data.url, token: data.token } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

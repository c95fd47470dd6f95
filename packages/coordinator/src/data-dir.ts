import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CoordinatorError } from "./coordinator-error.ts";

/** Paths below the data directory. */
export interface DataDir {
  readonly stateFile: string;
  readonly jobs: string;
  readonly repositories: string;
  /** Private key of `id_tokens:`. */
  readonly idTokenKeyFile: string;
  /** Tells other processes of this user where the coordinator listens, and its token. */
  readonly addressFile: string;
  /** Key of the job tokens. */
  readonly tokenKey: Uint8Array;
}

/** Makes what is missing. @throws {CoordinatorError} `data-dir-unusable`. */
export async function openDataDir(path: string): Promise<DataDir> {
  try {
    for (const folder of [path, join(path, "jobs"), join(path, "repositories")]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    }
    return {
      stateFile: join(path, "coordinator.db"),
      jobs: join(path, "jobs"),
      repositories: join(path, "repositories"),
      addressFile: addressFileIn(path),
      idTokenKeyFile: join(path, "id-token-key.pem"),
      tokenKey: await readOrMakeKey(join(path, "job-token-key")),
    };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CoordinatorError(`cannot use the data directory ${path}: ${why}`, { code: "data-dir-unusable", cause });
  }
}

/** See `DataDir.addressFile`. */
export function addressFileIn(path: string): string {
  return join(path, "coordinator.json");
}

async function readOrMakeKey(file: string): Promise<Uint8Array> {
  if (existsSync(file)) {
    const key = await readFile(file);
    if (key.length === 32) return key;
    throw new Error(`${file} is not a key of 32 bytes`);
  }
  const key = randomBytes(32);
  await writeFile(file, key, { mode: 0o600, flag: "wx" });
  return key;
}

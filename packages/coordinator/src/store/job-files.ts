import { createReadStream, existsSync } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { crc32 } from "node:zlib";

/** How much of a job log is stored. */
export interface JobLogState {
  readonly bytes: number;
  /** Of all stored bytes, IEEE (runner-protocol.md §1.10). */
  readonly crc32: number;
}

/** Files of jobs: logs and artifacts. Ids are numbers and names are ours, so that no path comes from outside. */
export interface JobFiles {
  logState(jobId: number): Promise<JobLogState>;
  /** True while bytes of the log are on their way to the disk. */
  isWritingLog(jobId: number): boolean;
  /** Appends to a log; calls for one job wait for each other. */
  appendLog(jobId: number, bytes: Uint8Array): Promise<JobLogState>;
  /** Empties a log, since the runner will send it again. */
  restartLog(jobId: number): Promise<void>;
  readLog(jobId: number, fromByte: number): Promise<Uint8Array>;
  /** A path for an upload, not yet an artifact. */
  uploadPath(jobId: number, name: string): Promise<string>;
  /** Makes an upload an artifact of that name, in place of a former one. */
  keepUpload(jobId: number, uploadPath: string, storedAs: string): Promise<void>;
  artifactPath(jobId: number, storedAs: string): string;
  artifactStream(jobId: number, storedAs: string): Readable;
  readArtifact(jobId: number, storedAs: string): Promise<Buffer>;
  removeArtifact(jobId: number, storedAs: string): Promise<void>;
  /** Removes all files of a job. */
  removeAll(jobId: number): Promise<void>;
}

/** @param root folder that holds one folder a job. */
export function createJobFiles(root: string): JobFiles {
  const logs = new Map<number, Promise<JobLogState>>();
  const writing = new Map<number, number>();
  const folderOf = (jobId: number) => join(root, String(Math.floor(jobId / 1000)), String(jobId));
  const logPath = (jobId: number) => join(folderOf(jobId), "job.log");
  const logState = (jobId: number) => {
    const known = logs.get(jobId) ?? readLogState(logPath(jobId));
    logs.set(jobId, known);
    return known;
  };
  const change = (jobId: number, next: (state: JobLogState) => Promise<JobLogState>) => {
    const before = logState(jobId);
    writing.set(jobId, (writing.get(jobId) ?? 0) + 1);
    const after = before.then(next).finally(() => countDown(writing, jobId));
    // A failed write leaves what the file then holds; the next call looks it up again.
    logs.set(
      jobId,
      after.catch(() => readLogState(logPath(jobId))),
    );
    return after;
  };
  const makeFolder = (jobId: number) => mkdir(folderOf(jobId), { recursive: true, mode: 0o700 });
  return {
    logState,
    isWritingLog: (jobId) => writing.has(jobId),
    appendLog: (jobId, bytes) =>
      change(jobId, async (state) => {
        if (state.bytes === 0) await makeFolder(jobId);
        await writeAt(logPath(jobId), bytes, state.bytes);
        return { bytes: state.bytes + bytes.length, crc32: crc32(bytes, state.crc32) };
      }),
    restartLog: async (jobId) => {
      await change(jobId, async () => {
        await rm(logPath(jobId), { force: true });
        return { bytes: 0, crc32: 0 };
      });
    },
    readLog: (jobId, fromByte) => readFrom(logPath(jobId), fromByte),
    uploadPath: async (jobId, name) => {
      await makeFolder(jobId);
      return join(folderOf(jobId), `upload-${name}`);
    },
    keepUpload: (jobId, uploadPath, storedAs) => rename(uploadPath, join(folderOf(jobId), storedAs)),
    artifactPath: (jobId, storedAs) => join(folderOf(jobId), storedAs),
    artifactStream: (jobId, storedAs) => createReadStream(join(folderOf(jobId), storedAs)),
    readArtifact: (jobId, storedAs) => readFile(join(folderOf(jobId), storedAs)),
    removeAll: async (jobId) => {
      logs.delete(jobId);
      await rm(folderOf(jobId), { recursive: true, force: true });
    },
    removeArtifact: (jobId, storedAs) => rm(join(folderOf(jobId), storedAs), { force: true }),
  };
}

function countDown(counts: Map<number, number>, key: number): void {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}

async function readLogState(path: string): Promise<JobLogState> {
  if (!existsSync(path)) return { bytes: 0, crc32: 0 };
  let sum = 0;
  for await (const chunk of createReadStream(path)) sum = crc32(chunk, sum);
  return { bytes: (await stat(path)).size, crc32: sum };
}

async function writeAt(path: string, bytes: Uint8Array, position: number): Promise<void> {
  await using file = await open(path, position === 0 ? "w" : "r+", 0o600);
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

async function readFrom(path: string, fromByte: number): Promise<Uint8Array> {
  if (!existsSync(path)) return new Uint8Array();
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path, { start: fromByte })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

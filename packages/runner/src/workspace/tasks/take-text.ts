import { constants } from "node:fs";
import { open, rm } from "node:fs/promises";
import type { WorkspaceTasks } from "../workspace.ts";

type Task = WorkspaceTasks["take-text"];

/** What is read at most: a job could put anything in the place of the file. */
const maxBytes = 256 * 1024;

export async function takeText({ file }: Task["request"]): Promise<Task["result"]> {
  const text = await readBeginning(file);
  await rm(file, { force: true });
  return { kind: "taken", text };
}

async function readBeginning(file: string): Promise<string> {
  try {
    // Whatever it is: a named pipe would be waited for.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch {
    return ""; // Nobody wrote it.
  }
}

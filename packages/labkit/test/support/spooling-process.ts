// Enqueues spans for ever and says how many are on disk: `spooling-process.ts URL DIRECTORY LABEL`.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createEndpointPool, silentLog } from "@jobscope/labkit";
import { readEntries } from "../../src/otlp/spool/record.ts";
import { aSpan } from "./spans.ts";

const [url = "", directory = "", label = ""] = process.argv.slice(2);
const pool = createEndpointPool({ log: silentLog, spool: { directory } });
const endpoint = pool.endpoint({ url });
for (let number = 0; ; number++) {
  endpoint.enqueue(aSpan(number, { name: `of ${label}: ${number}` }));
  if (number % 20 === 0) process.stdout.write(`${await storedSpans()}\n`);
}

/** Spans of ours on disk, in the order in which they were enqueued. */
async function storedSpans(): Promise<number> {
  // While we look, folders get their names and files of dead processes are taken over.
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const files = names.filter((name) => name.endsWith(".spool"));
  const contents = await Promise.all(files.map((file) => readFile(join(directory, file)).catch(() => Buffer.alloc(0))));
  return contents
    .flatMap((bytes) => [...readEntries(bytes)])
    .filter((entry) => entry.kind === "span" && entry.payload.includes(`of ${label}: `)).length;
}

// Exports spans with a spool until it kills itself at one call of the file system:
// `crashing-process.ts URL DIRECTORY LABEL OPERATION ORDINAL MOMENT`. Says which spans it knows to be on disk.
import { writeSync } from "node:fs";
import fileSystem, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { createEndpointPool, createSpanProcessor, silentLog } from "@jobscope/labkit";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { readEntries } from "../../src/otlp/spool/record.ts";

const [url = "", directory = "", label = "", operation = "", ordinal = "", moment = ""] = process.argv.slice(2);
const maxRounds = 60;
let calls = 0;

const die = () => process.kill(process.pid, "SIGKILL");
/** True when it is this call that the process dies at. */
const isFatal = (name: string) => name === operation && ++calls === Number(ordinal);

await using probe = await fileSystem.open("/dev/null");
const handles = Object.getPrototypeOf(probe) as { write: (...args: unknown[]) => Promise<{ bytesWritten: number }> };
const write = handles.write;
handles.write = async function (this: FileHandle, ...args: unknown[]) {
  const [bytes, offset, length, position] = args as [Buffer, number, number, number];
  const fatal = isFatal("write");
  if (fatal && moment === "before") die();
  if (fatal && moment === "half") {
    await write.call(this, bytes, offset, Math.floor(length / 2), position);
    die();
  }
  const written = await write.call(this, ...args);
  for (const entry of readEntries(bytes)) {
    const name = entry.kind === "span" ? /of \w+: \d+\./.exec(entry.payload.toString("latin1"))?.[0] : undefined;
    if (name !== undefined) writeSync(1, `${name}\n`);
  }
  if (fatal) die();
  return written;
};
for (const name of ["open", "rename", "rm", "mkdir"] as const) {
  const call = fileSystem[name] as (...args: unknown[]) => Promise<unknown>;
  (fileSystem as unknown as Record<string, unknown>)[name] = async (...args: unknown[]) => {
    const fatal = isFatal(name);
    if (fatal && moment === "before") die();
    const result = await call.apply(fileSystem, args);
    if (fatal) die();
    return result;
  };
}
syncBuiltinESMExports();

const pool = createEndpointPool({
  log: silentLog,
  limits: { coalesceMs: 2, maxBatchSpans: 8, initialBackoffMs: 5, maxBackoffMs: 10 },
  spool: { directory, limits: { segmentBytes: 1_500 } },
});
const tracer = new TracerProvider({ spanProcessors: [createSpanProcessor([pool.endpoint({ url })])] }).getTracer(
  "crash",
);
for (let round = 0; round < maxRounds; round++) {
  for (let number = 0; number < 5; number++) tracer.startSpan(`of ${label}: ${round * 5 + number}.`).end();
  await delay(2);
}

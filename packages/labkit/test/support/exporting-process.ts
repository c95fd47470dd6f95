// Sends one span, leaves another in the queue, then disposes of its pool or just ends: `exporting-process.ts URL MODE`.
import { createEndpointPool, silentLog } from "@jobscope/labkit";
import { aSpan } from "./spans.ts";

const [url = "", mode] = process.argv.slice(2);
const pool = createEndpointPool({ log: silentLog, limits: { shutdownFlushMs: 1_000 } });
const endpoint = pool.endpoint({ url });
endpoint.enqueue(aSpan(1));
if (mode === "leave") await endpoint.flush({ signal: AbortSignal.timeout(5_000) });
endpoint.enqueue(aSpan(2));
if (mode === "dispose") await pool[Symbol.asyncDispose]();

/** A collector as a process of its own: `node run-collector.ts DATA_DIR`; tells its parent when it is ready. */
import { aCollector } from "./collectors.ts";

const collector = await aCollector(process.argv[2] ?? "");
process.send?.({ apiUrl: collector.apiUrl, otlpHttpUrl: collector.otlpHttpUrl, otlpGrpcUrl: collector.otlpGrpcUrl });
process.once("disconnect", () => void collector[Symbol.asyncDispose]());

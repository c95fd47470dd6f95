import type { Readable } from "node:stream";
import { ansi } from "../../../shell/ansi.ts";
import type { ServiceLog } from "../../executor.ts";
import { createLineReader } from "../../line-reader.ts";
import { demultiplex } from "../containers/demultiplex.ts";
import type { StartedService } from "./start-services.ts";

/**
 * Copies what a service prints into the job log, each line with the service's names: `CI_DEBUG_SERVICES`.
 *
 * @returns a call that ends it. Rule: runner-protocol.md §4.10.
 */
export async function followServiceLog(service: StartedService, log: ServiceLog): Promise<() => void> {
  const stream = (await service.container.logs({
    stdout: true,
    stderr: true,
    timestamps: true,
    follow: true,
  })) as Readable;
  const prefix = `${ansi.grey}[service:${service.planned.aliases.join("-")}] `;
  const writer = () => {
    const lines: string[] = [];
    const read = createLineReader((line) => lines.push(line));
    return async (chunk: Uint8Array) => {
      read(chunk);
      for (const line of lines.splice(0)) await log.write(Buffer.from(`${prefix}${line}${ansi.reset}\n`));
    };
  };
  demultiplex(stream, writer(), writer())
    .catch(() => undefined)
    .finally(() => log.end());
  return () => stream.destroy();
}

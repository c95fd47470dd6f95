import { ansi } from "../../../shell/ansi.ts";
import type { ReportLines } from "../../executor.ts";
import { demultiplex } from "../containers/demultiplex.ts";
import type { StartedService } from "./start-services.ts";

/** Tries a service's ports until one answers. @returns what the tries said, when none did in time. */
export type ProbeService = (
  service: StartedService,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<{ readonly kind: "answers" } | { readonly kind: "timeout"; readonly output: string }>;

export interface ServiceWait {
  readonly services: readonly StartedService[];
  /** 0: no wait. */
  readonly timeoutMs: number;
  readonly probe: ProbeService;
  readonly lines: ReportLines;
  /** Takes the warning about one service, a block of several lines. */
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
}

/** So much of what a silent service printed is shown. Rule: runner-protocol.md §4.10. */
const maxLogBytes = 64 * 1024;

/**
 * Waits until every service answers on one of its ports. One that does not is told of and fails nothing.
 *
 * @returns names of the services that did not answer.
 */
export async function awaitServices(wait: ServiceWait): Promise<readonly string[]> {
  const { services, timeoutMs, lines, signal } = wait;
  if (services.length === 0 || timeoutMs <= 0) return [];
  lines.plain(`Waiting for services to be up and running (timeout ${Math.round(timeoutMs / 1000)} seconds)...`);
  const silent = await Promise.all(services.map((service) => awaitService(wait, service)));
  signal.throwIfAborted();
  return silent.filter((title) => title !== undefined);
}

async function awaitService(wait: ServiceWait, service: StartedService): Promise<string | undefined> {
  const { timeoutMs, probe, signal, warn } = wait;
  let failure: { readonly message: string; readonly output: string };
  if (service.ports.length === 0) {
    failure = { message: `service "${service.containerName}" has no exposed ports`, output: "" };
  } else {
    const result = await probe(service, { timeoutMs, signal });
    if (result.kind === "answers") return undefined;
    failure = {
      message: `service "${service.containerName}-wait-for-service" timeout`,
      output: result.output,
    };
  }
  if (signal.aborted) return undefined;
  warn(warningText(service.containerName, failure, await readServiceLog(service)));
  return service.planned.title;
}

/** Rule: runner-protocol.md §4.10. */
function warningText(
  containerName: string,
  failure: { readonly message: string; readonly output: string },
  serviceLog: string,
): string {
  return [
    "",
    `${ansi.yellow}*** WARNING:${ansi.reset} Service ${containerName} probably didn't start properly.`,
    "",
    "Health check error:",
    failure.message,
    "",
    "Health check container logs:",
    failure.output.trimEnd(),
    "",
    "Service container logs:",
    serviceLog.trimEnd(),
    "",
    `${ansi.yellow}*********${ansi.reset}`,
    "",
    "",
  ].join("\n");
}

async function readServiceLog({ container }: StartedService): Promise<string> {
  try {
    const raw = await container.logs({ stdout: true, stderr: true, timestamps: true, follow: false });
    const pieces: Buffer[] = [];
    const take = (piece: Uint8Array) => void pieces.push(Buffer.from(piece));
    await demultiplex([raw] as unknown as AsyncIterable<Uint8Array>, take, take);
    return Buffer.concat(pieces).subarray(0, maxLogBytes).toString();
  } catch {
    return "";
  }
}

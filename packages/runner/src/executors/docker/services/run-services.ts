import { PassThrough } from "node:stream";
import { awaitPortCommand, helperProgram } from "../../../helper-image/helper-image.ts";
import type { ContainerJob } from "../../container-job.ts";
import type { ReportLines } from "../../executor.ts";
import type { HelperContainer } from "../containers/helper-container.ts";
import { removeContainer } from "../containers/stop-container.ts";
import { misconfigured } from "../engine.ts";
import { checkImage } from "../images/check-image.ts";
import type { WantedImages } from "../images/job-images.ts";
import type { ProvidedImage } from "../images/provide-image.ts";
import type { Making } from "../making.ts";
import { awaitServices, type ProbeService } from "./await-services.ts";
import { followServiceLog } from "./follow-service-log.ts";
import type { PlannedService, ServicePlan } from "./plan-services.ts";
import { type StartedService, startService } from "./start-services.ts";

/** @throws {ExecutorError} when the job has too many services, or one that is not allowed. Rule: runner-protocol.md §4.7. */
export function checkServices(
  { services }: ServicePlan,
  { docker, expand }: Pick<ContainerJob, "docker" | "expand">,
  lines: ReportLines,
): void {
  const { servicesLimit: limit } = docker;
  if (limit !== undefined && services.length > limit) {
    throw misconfigured(`the job has ${services.length} services: the runner allows ${limit} (services_limit)`);
  }
  const own = docker.services.map(({ name }) => expand(name));
  for (const { service } of services) {
    checkImage(service.name, { allowed: docker.allowedServices, own, subject: "services" }, lines);
  }
}

/** What the job's containers need to know of its services. */
export interface RunningServices {
  /** `name:address` */
  readonly extraHosts: readonly string[];
  readonly helper: HelperContainer;
  readonly helperImage: ProvidedImage;
}

/**
 * Starts a job's services and waits for them, from the helper container, which is where the job will be.
 *
 * @param makeHelper is given the services' addresses; the helper starts meanwhile.
 */
export async function runServices(
  making: Making,
  services: readonly PlannedService[],
  wanted: WantedImages,
  makeHelper: (extraHosts: readonly string[], image: ProvidedImage) => Promise<HelperContainer>,
): Promise<RunningServices> {
  const { report } = making;
  const startHelper = async (extraHosts: readonly string[]): Promise<RunningServices> => {
    const helperImage = await wanted.helper.ready(report.lines);
    const helper = await makeHelper(extraHosts, helperImage);
    helper.warmUp();
    return { extraHosts, helper, helperImage };
  };
  if (services.length === 0) return await startHelper([]);
  const images: ProvidedImage[] = [];
  for (const [index, { title }] of services.entries()) {
    report.lines.plain(`Starting service ${title}...`);
    const image = await wanted.services[index]?.ready(report.lines);
    if (image !== undefined) images.push(image);
  }
  const step = report.servicesStarting(services.map(({ title }) => title));
  try {
    const started = await allOf(
      services.map((planned, index) =>
        startOne(making, planned, images[index], { index, environment: step.environment }),
      ),
    );
    const running = await startHelper(extraHostsOf(started));
    await waitFor(making, started, running.helper);
    step.succeeded();
    return running;
  } catch (error) {
    step.failed(making.signal.aborted ? making.signal.reason : error);
    throw error;
  }
}

/** Like `Promise.all`, but waits for all of them: what is still being made when one fails is to be removed too. */
async function allOf<Result>(work: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}

async function startOne(
  making: Making,
  planned: PlannedService,
  image: ProvidedImage | undefined,
  { index, environment }: { readonly index: number; readonly environment: Readonly<Record<string, string>> },
): Promise<StartedService> {
  const { job, made, report, signal } = making;
  if (image === undefined) throw new Error(`no image for service ${planned.title}`);
  signal.throwIfAborted();
  const service = await startService({ ...making, traceEnvironment: environment }, planned, image, index);
  made.defer(() => removeContainer(service.container, { keepsVolumes: job.docker.keepsVolumes }));
  if (job.showsServiceLogs) made.defer(await followServiceLog(service, report.openServiceLog("service")));
  return service;
}

async function waitFor({ job, report, signal }: Making, services: readonly StartedService[], helper: HelperContainer) {
  const log = report.openServiceLog("runner");
  try {
    await awaitServices({
      services,
      timeoutMs: job.docker.serviceTimeoutMs,
      probe: probeFrom(helper),
      lines: report.lines,
      warn: (text) => void log.write(Buffer.from(text)),
      signal,
    });
  } finally {
    log.end();
  }
}

function probeFrom(helper: HelperContainer): ProbeService {
  return async ({ addresses, ports }, { timeoutMs, signal }) => {
    const targets = addresses.flatMap((address) => ports.map((port) => `${address}:${port}`));
    let output = "";
    const take = (chunk: Uint8Array) => {
      output += Buffer.from(chunk).toString();
    };
    const stdin = new PassThrough();
    stdin.end();
    const command = [helperProgram, awaitPortCommand, String(timeoutMs), ...targets];
    const outcome = await helper.runProgram({ command, stdin, onStdout: take, onStderr: take }, signal);
    return outcome.kind === "exited" && outcome.exitCode === 0 ? { kind: "answers" } : { kind: "timeout", output };
  };
}

/** Names by which services are found without the engine's DNS. Rule: runner-protocol.md §4.10. */
function extraHostsOf(services: readonly StartedService[]): string[] {
  return services.flatMap(({ planned, addresses, container }) =>
    addresses.flatMap((address) =>
      [...planned.aliases, container.id.slice(0, 12)].map((alias) => `${alias}:${address}`),
    ),
  );
}

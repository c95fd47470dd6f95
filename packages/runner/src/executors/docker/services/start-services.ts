import type Dockerode from "dockerode";
import type { ContainerJob } from "../../container-job.ts";
import { createContainer } from "../containers/build-container.ts";
import { networkingOf, type SharedSettings, serviceHostConfig } from "../containers/container-options.ts";
import { type Engine, engineFailure } from "../engine.ts";
import type { ProvidedImage } from "../images/provide-image.ts";
import type { Labels } from "../labels.ts";
import type { JobNames } from "../names.ts";
import type { PlannedService } from "./plan-services.ts";

/** A service whose container runs. */
export interface StartedService {
  readonly planned: PlannedService;
  readonly container: Dockerode.Container;
  readonly containerName: string;
  /** Addresses in the networks that it is in. */
  readonly addresses: readonly string[];
  /** Ports whose first answer means that it is ready; empty: nothing to wait for. */
  readonly ports: readonly number[];
}

export interface ServiceStart {
  readonly engine: Engine;
  readonly job: ContainerJob;
  readonly names: JobNames;
  readonly labels: Labels;
  readonly shared: SharedSettings;
  /** `TRACEPARENT` of the span in which they start. */
  readonly traceEnvironment: Readonly<Record<string, string>>;
}

/** At most so many of the ports that a service exposes are tried. Rule: runner-protocol.md §4.10. */
const maxPorts = 20;

/** @throws {ExecutorError} when its container cannot be made or started. */
export async function startService(
  start: ServiceStart,
  planned: PlannedService,
  image: ProvidedImage,
  index: number,
): Promise<StartedService> {
  const { engine, job, names, labels, shared } = start;
  const { service, aliases } = planned;
  const environment = { ...start.traceEnvironment, ...job.serviceEnvironment, ...service.environment };
  const containerName = names.service(planned.name, index);
  const options: Dockerode.ContainerCreateOptions = {
    name: containerName,
    Image: image.containerImage,
    Hostname: names.hostname,
    Env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
    Labels: labels.of({ type: "service", service: planned.name, "service.version": planned.version }),
    ...(service.command.length === 0 ? {} : { Cmd: [...service.command] }),
    ...(service.entrypoint.length === 0 ? {} : { Entrypoint: [...service.entrypoint] }),
    ...(service.user === undefined ? {} : { User: service.user }),
    ...(service.platform === undefined ? {} : { platform: service.platform }),
    HostConfig: await serviceHostConfig(shared, service.name, { usesInitProcess: job.usesInitProcess }),
    ...networkingOf(shared.networkMode, aliases),
  };
  const container = await createContainer(engine, options);
  try {
    await container.start();
    const facts = await container.inspect();
    return {
      planned,
      container,
      containerName,
      addresses: Object.values(facts.NetworkSettings.Networks)
        .map(({ IPAddress: address }) => address)
        .filter((address) => address !== ""),
      ports: portsOf(environment["HEALTHCHECK_TCP_PORT"], image.tcpPorts),
    };
  } catch (error) {
    await container.remove({ force: true, v: true }).catch(() => undefined);
    throw engineFailure(`cannot start service ${planned.title}`, error);
  }
}

function portsOf(wanted: string | undefined, exposed: readonly number[]): readonly number[] {
  const port = Number(wanted);
  if (wanted !== undefined && Number.isInteger(port) && port > 0 && port < 65_536) return [port];
  return exposed.slice(0, maxPorts);
}

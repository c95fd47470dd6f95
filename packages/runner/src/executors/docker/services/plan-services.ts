import type { ConfiguredService } from "../../../config/docker-config.ts";
import type { ContainerJob, ContainerService } from "../../container-job.ts";
import { parseImageReference } from "../images/image-reference.ts";

/** A service that is to be started. */
export interface PlannedService {
  readonly service: ContainerService;
  /** Names by which the job reaches it; at least one. */
  readonly aliases: readonly string[];
  /** For people: `postgres:16`, `postgres@sha256:…`. */
  readonly title: string;
  /** For container names: the image's name, tag left out. */
  readonly name: string;
  readonly version: string;
}

export interface ServicePlan {
  readonly services: readonly PlannedService[];
  readonly warnings: readonly string[];
}

/**
 * Which services a job gets: the configuration's, then its own, under names that no other has.
 *
 * Rule: runner-protocol.md §4.10.
 */
export function planServices({ docker, services, expand }: Pick<ContainerJob, "docker" | "services" | "expand">) {
  const wanted = [...docker.services.map((service) => fromConfiguration(service, expand)), ...services];
  const taken = new Set<string>();
  const planned: PlannedService[] = [];
  const warnings: string[] = [];
  for (const [index, service] of wanted.entries()) {
    const { name, tag, digest } = parseImageReference(service.name);
    const aliases: string[] = [];
    for (const alias of new Set([...impliedAliases(name), ...service.aliases])) {
      if (taken.has(alias)) {
        warnings.push(
          `Skipping alias "${alias}" for service "${service.name}" (services[${index}]): ` +
            "alias is already in use by another service.",
        );
      } else aliases.push(alias);
    }
    if (aliases.length === 0) continue;
    for (const alias of aliases) taken.add(alias);
    const version = digest ?? tag ?? "latest";
    const title = digest === undefined ? `${name}:${version}` : `${name}@${digest}`;
    planned.push({ service, aliases, title, name, version });
  }
  return { services: planned, warnings } satisfies ServicePlan;
}

/** `registry.example:5000/group/db` → `registry.example/group/db` with its slashes as `__` and as `-`. */
function impliedAliases(name: string): string[] {
  const withoutPort = name.replace(/^([^/]+):\d+\//, "$1/");
  return [withoutPort.replaceAll("/", "__"), withoutPort.replaceAll("/", "-")];
}

function fromConfiguration(service: ConfiguredService, expand: (text: string) => string): ContainerService {
  return {
    name: expand(service.name),
    aliases: service.aliases.map(expand),
    command: service.command,
    entrypoint: service.entrypoint,
    environment: Object.fromEntries(service.environment.map((text) => splitAssignment(expand(text)))),
    pullPolicies: [],
    platform: undefined,
    user: undefined,
  };
}

function splitAssignment(text: string): [string, string] {
  const equals = text.indexOf("=");
  return equals === -1 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

import { createHash, randomBytes } from "node:crypto";
import type { ContainerJobIdentity } from "../container-job.ts";

/** Names of what is made for one job. Rule: runner-protocol.md §4.3, §4.9, §4.10. */
export interface JobNames {
  /** Host name of the containers: the base without its random end. */
  readonly hostname: string;
  readonly build: string;
  readonly helper: string;
  service(name: string, index: number): string;
  /** Of a volume that later jobs of the project use again. */
  reusableVolume(destination: string, isProtected: boolean): string;
  temporaryVolume(destination: string): string;
  readonly network: string;
  /** Directory below `cache_dir` that stands for a reusable volume. */
  cacheDirectory(destination: string, isProtected: boolean): string;
}

export function namesOf(identity: ContainerJobIdentity): JobNames {
  const { shortToken, projectId, concurrentProjectId } = identity;
  const hostname = toLabel(`runner-${shortToken}-project-${projectId}-concurrent-${concurrentProjectId}`);
  const base = toLabel(`${hostname.slice(0, 46).replace(/-$/, "")}-${randomBytes(8).toString("hex")}`);
  const unique = projectHash(identity);
  const protection = (isProtected: boolean) => (isProtected ? "-protected" : "");
  return {
    hostname,
    build: `${base}-build`,
    helper: `${base}-predefined`,
    service: (name, index) => `${base}-${name.replaceAll("/", "__").replace(/[^\w.-]/g, "-")}-${index}`,
    reusableVolume: (destination, isProtected) =>
      `runner-${unique}-cache-${md5(destination)}${protection(isProtected)}`,
    temporaryVolume: (destination) => `${base}-cache-${md5(destination)}`,
    network: networkNameOf(identity),
    cacheDirectory: (destination, isProtected) => `${unique}/${md5(destination)}${protection(isProtected)}`,
  };
}

/** Name of the network of one job, which its scripts are told as `CI_BUILD_NETWORK_NAME`. Rule: runner-protocol.md §4.10. */
export function networkNameOf(
  identity: Pick<ContainerJobIdentity, "shortToken" | "projectId" | "concurrentProjectId" | "jobId">,
): string {
  const { shortToken, projectId, concurrentProjectId, jobId } = identity;
  return `runner-${toLabel(shortToken)}-${projectId}-${concurrentProjectId}-${jobId}`;
}

/** The first half of a SHA-256: who may use a volume again. */
function projectHash({ runnerToken, systemId, projectId, concurrentProjectId }: ContainerJobIdentity): string {
  const text = [runnerToken, systemId, projectId, concurrentProjectId].join("-");
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** Only part of a name: no secret is kept by it. */
function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** A label of RFC 1123: at most 63 letters, digits and inner dashes, in lower case. */
function toLabel(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, "")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
}

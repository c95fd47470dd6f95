import type { PullPolicy } from "../../../config/docker-config.ts";
import type { ContainerImage, ContainerJob, ImageRole } from "../../container-job.ts";
import type { ReportLines } from "../../executor.ts";
import { misconfigured } from "../engine.ts";
import type { PlannedService } from "../services/plan-services.ts";
import { checkImage } from "./check-image.ts";
import { effectivePolicies, type ImageProvider, type PendingImage } from "./provide-image.ts";

/** The images of a job, on their way. */
export interface WantedImages {
  readonly build: PendingImage;
  readonly helper: PendingImage;
  /** In the order of the services. */
  readonly services: readonly PendingImage[];
}

/**
 * The image that the job's scripts run in: its own, or the configuration's.
 *
 * @throws {ExecutorError} when there is none, or it is not allowed. Rule and lines: runner-protocol.md §4.7.
 */
export function chooseImage(job: ContainerJob, lines: ReportLines): ContainerImage {
  const own = job.docker.image === undefined ? undefined : job.expand(job.docker.image);
  const chosen = job.image === undefined || job.image.name === "" ? withDefault(job, own, lines) : job.image;
  checkImage(
    chosen.name,
    { allowed: job.docker.allowedImages, own: own === undefined ? [] : [own], subject: "images" },
    lines,
  );
  lines.plain(`Using Docker executor with image ${chosen.name} ...`);
  if (job.docker.keepsVolumes) lines.warning("volume_keep is set: anonymous volumes of this job are not removed");
  return chosen;
}

function withDefault({ image }: ContainerJob, own: string | undefined, lines: ReportLines): ContainerImage {
  if (own === undefined) throw misconfigured("no Docker image specified to run the build in");
  lines.info("Using default image");
  return { entrypoint: [], pullPolicies: [], platform: undefined, user: undefined, ...image, name: own };
}

/** Asks for all images of a job at once. @throws {ExecutorError} when the job wants a policy that is not allowed. */
export function wantImages(
  job: ContainerJob,
  images: ImageProvider,
  wanted: {
    readonly image: ContainerImage;
    readonly services: readonly PlannedService[];
    /** Unless the configuration names another. */
    readonly helperImage: string;
  },
): WantedImages {
  const policiesOf = ({ name, pullPolicies }: ContainerImage) => effectivePolicies(name, pullPolicies, job.docker);
  // All are checked before the first is fetched.
  const all = [wanted.image, ...wanted.services.map(({ service }) => service)];
  const policies = new Map(all.map((image) => [image, policiesOf(image)]));
  const want = (role: ImageRole, image: ContainerImage) =>
    images.provide({
      reference: image.name,
      role,
      platform: image.platform,
      policies: policies.get(image) ?? policiesOf(image),
    });
  const configured = job.docker.helperImage === undefined ? undefined : job.expand(job.docker.helperImage);
  // Ours is made on the engine itself; no registry has it.
  const helperPolicies: readonly PullPolicy[] = configured === undefined ? ["never"] : job.docker.pullPolicies;
  const reference = configured ?? wanted.helperImage;
  return {
    services: wanted.services.map(({ service }) => want("service", service)),
    helper: asHelper(
      images.provide({ reference, role: "helper", platform: undefined, policies: helperPolicies }),
      configured === undefined ? undefined : `${configured}  (overridden, default would be  ${wanted.helperImage} )`,
    ),
    build: want("build", wanted.image),
  };
}

/**
 * Ours has no lines: nobody chose it.
 *
 * @param title of one that the configuration names. Rule: runner-protocol.md §4.3, last paragraph.
 */
function asHelper(image: PendingImage, title: string | undefined): PendingImage {
  return {
    ready(lines) {
      if (title === undefined) return image.ready(silent);
      lines.plain(`Using helper image:  ${title}`);
      return image.ready(lines);
    },
  };
}

const silent: ReportLines = { plain() {}, info() {}, warning() {}, error() {} };

import type { PullPolicy } from "../../../config/docker-config.ts";
import { howToMakeHelperImage } from "../../../helper-image/helper-image.ts";
import type { AvailableImage, ImageRequest } from "../../container-job.ts";
import type { PullReport, ReportLines } from "../../executor.ts";
import { type Engine, engineMessage, isNotFound, misconfigured } from "../engine.ts";
import { isImageReference } from "./image-reference.ts";
import { pullFailure } from "./pull-failure.ts";
import { pullImage } from "./pull-image.ts";
import type { FindLogin } from "./registry-auth.ts";

/** An image on the engine, ready for containers. */
export interface ProvidedImage extends AvailableImage {
  /** What containers are made of: the first digest, else the id (runner-protocol.md §4.3). */
  readonly containerImage: string;
  /** `User` of the image; empty: root. */
  readonly user: string;
  /** TCP ports that it exposes, ascending. */
  readonly tcpPorts: readonly number[];
}

export interface WantedImage extends ImageRequest {
  readonly platform: string | undefined;
  /** In the order in which they are tried; at least one. */
  readonly policies: readonly PullPolicy[];
}

export interface ImageProviderOptions {
  readonly engine: Engine;
  readonly findLogin: FindLogin;
  readonly pullStarted: (image: ImageRequest) => PullReport;
  readonly signal: AbortSignal;
  readonly retryDelaysMs?: readonly [number, number];
}

/** Provides the images of one job. Images are fetched beside each other, each distinct one once. */
export interface ImageProvider {
  /**
   * Begins at once.
   *
   * @returns the image, and a call that writes what was said on the way: lines of images do not mix in the log.
   */
  provide(wanted: WantedImage): PendingImage;
}

export interface PendingImage {
  /** @throws {ExecutorError} when no policy yields the image. */
  ready(lines: ReportLines): Promise<ProvidedImage>;
}

export function createImageProvider(options: ImageProviderOptions): ImageProvider {
  const pending = new Map<string, Promise<ProvidedImage>>();
  return {
    provide(wanted) {
      const key = `${wanted.reference}\n${wanted.platform ?? ""}`;
      const said: ((lines: ReportLines) => void)[] = [];
      const known = pending.get(key);
      const image = known ?? provideImage(options, wanted, bufferedLines(said));
      pending.set(key, image);
      image.catch(() => undefined);
      return {
        async ready(lines) {
          try {
            return await image;
          } finally {
            for (const say of said.splice(0)) say(lines);
          }
        },
      };
    },
  };
}

async function provideImage(options: ImageProviderOptions, wanted: WantedImage, lines: ReportLines) {
  const report = options.pullStarted({ reference: wanted.reference, role: wanted.role });
  try {
    const image = await tryPolicies(options, wanted, lines);
    const digest = image.digest === undefined ? "" : ` with digest ${image.digest}`;
    lines.plain(`Using docker image ${image.id} for ${wanted.reference}${digest} ...`);
    report.succeeded(image);
    return image;
  } catch (error) {
    report.failed(options.signal.aborted ? options.signal.reason : error);
    throw error;
  }
}

/** Rule and lines: runner-protocol.md §4.5. */
async function tryPolicies(options: ImageProviderOptions, wanted: WantedImage, lines: ReportLines) {
  const { policies, reference } = wanted;
  lines.plain(`Using effective pull policy of [${policies.join(" ")}] for container ${reference}`);
  let failure: unknown;
  for (const [index, policy] of policies.entries()) {
    if (index > 0) lines.info(`Attempt #${index + 1}: Trying "${policy}" pull policy`);
    try {
      return await provideBy(policy, options, wanted, lines);
    } catch (error) {
      options.signal.throwIfAborted();
      failure = error;
      lines.warning(`Failed to pull image with policy "${policy}": ${engineMessage(error)}`);
    }
  }
  throw pullFailure(reference, policies, engineMessage(failure), failure);
}

async function provideBy(
  policy: PullPolicy,
  options: ImageProviderOptions,
  wanted: WantedImage,
  lines: ReportLines,
): Promise<ProvidedImage> {
  const { engine, findLogin, signal, retryDelaysMs } = options;
  const { reference, platform } = wanted;
  if (!isImageReference(reference)) throw new Error(`invalid reference format: "${reference}" is no name of an image`);
  const present = await inspectImage(engine, reference);
  const local = present !== undefined && isOfPlatform(present, platform) ? present : undefined;
  if (policy === "never" && local === undefined) {
    const ofPlatform = platform === undefined ? "" : ` for platform ${platform}`;
    const howToGetIt = wanted.role === "helper" ? `. ${howToMakeHelperImage}` : "";
    throw new Error(`No such image: ${reference}${ofPlatform}${howToGetIt}`);
  }
  if (local !== undefined && (policy !== "always" || isIdOf(reference, local.id))) {
    if (policy === "if-not-present") {
      lines.plain(`Using locally found image version due to "if-not-present" pull policy`);
    }
    return { ...local, policy, isPulled: false, receivedBytes: undefined };
  }
  const receivedBytes = await pullImage(engine, {
    reference,
    platform,
    findLogin,
    lines,
    signal,
    ...(retryDelaysMs === undefined ? {} : { retryDelaysMs }),
  });
  const pulled = await inspectImage(engine, reference);
  if (pulled !== undefined && !isOfPlatform(pulled, platform)) {
    throw new Error(`No such image: ${reference} for platform ${platform}: the registry has ${pulled.platform}`);
  }
  if (pulled === undefined) throw new Error(`the engine does not find image ${reference} after it was pulled`);
  return { ...pulled, policy, isPulled: true, receivedBytes };
}

interface FoundImage extends Omit<ProvidedImage, "policy" | "isPulled" | "receivedBytes"> {
  /** `linux/arm64`, `linux/arm/v7` */
  readonly platform: string;
}

/** Names of architectures that people write, by Go's. */
const architectures: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64", i386: "386" };

/** @param wanted `os/architecture[/variant]`; what either side leaves out is as it may be. */
export function isOfPlatform({ platform }: Pick<FoundImage, "platform">, wanted: string | undefined): boolean {
  const [system, architecture = "", variant] = (wanted ?? "").toLowerCase().split("/");
  const [ofSystem, ofArchitecture, ofVariant] = platform.split("/");
  const isSame = (one: string | undefined, other: string | undefined) => !one || !other || one === other;
  return (
    isSame(system, ofSystem) &&
    isSame(architectures[architecture] ?? architecture, ofArchitecture) &&
    isSame(variant, ofVariant)
  );
}

/** @returns `undefined` when the engine has no such image. */
async function inspectImage(engine: Engine, reference: string): Promise<FoundImage | undefined> {
  try {
    const facts = await engine.getImage(reference).inspect();
    const digest = facts.RepoDigests?.[0];
    return {
      id: facts.Id,
      digest,
      platform: [facts.Os, facts.Architecture, (facts as { Variant?: string }).Variant].filter(Boolean).join("/"),
      containerImage: digest ?? facts.Id,
      sizeBytes: facts.Size,
      layers: facts.RootFS?.Layers?.length ?? 0,
      user: facts.Config?.User ?? "",
      tcpPorts: tcpPortsOf(Object.keys(facts.Config?.ExposedPorts ?? {})),
    };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** `["6379/tcp", "53/udp"]` → `[6379]` */
function tcpPortsOf(exposed: readonly string[]): number[] {
  const ports = exposed.map((port) => /^(\d+)(?:\/tcp)?$/.exec(port)?.[1]).filter((port) => port !== undefined);
  return ports.map(Number).sort((one, other) => one - other);
}

/** An image named by (the beginning of) its id has no registry to be asked. */
function isIdOf(reference: string, id: string): boolean {
  const hex = reference.replace(/^sha256:/, "");
  return /^[0-9a-f]{12,64}$/.test(hex) && id.replace(/^sha256:/, "").startsWith(hex);
}

/**
 * The policies to try for an image, in order.
 *
 * @param wanted of the job; empty: those of the configuration.
 * @throws {ExecutorError} `runner_configuration_error` when none of them is allowed.
 */
export function effectivePolicies(
  reference: string,
  wanted: readonly string[],
  config: { readonly pullPolicies: readonly PullPolicy[]; readonly allowedPullPolicies: readonly PullPolicy[] },
): readonly PullPolicy[] {
  const candidates = wanted.length === 0 ? config.pullPolicies : wanted;
  const allowed = config.allowedPullPolicies.filter((policy) => candidates.includes(policy));
  const inOrder = candidates.filter((one): one is PullPolicy => (allowed as readonly string[]).includes(one));
  if (inOrder.length > 0) return inOrder;
  throw misconfigured(
    `invalid pull policy for image "${reference}": the job wants [${candidates.join(" ")}], ` +
      `the runner allows [${config.allowedPullPolicies.join(" ")}]`,
  );
}

function bufferedLines(said: ((lines: ReportLines) => void)[]): ReportLines {
  const later = (kind: keyof ReportLines) => (text: string) => void said.push((lines) => lines[kind](text));
  return { plain: later("plain"), info: later("info"), warning: later("warning"), error: later("error") };
}

import type Dockerode from "dockerode";
import type { ContainerImage, ContainerJob } from "../../container-job.ts";
import { ExecutorError } from "../../executor.ts";
import { idleCommand as functionsIdleCommand } from "../functions/static-shell.ts";
import type { ProvidedImage } from "../images/provide-image.ts";
import type { Making } from "../making.ts";
import { type BuildContainer, createBuildContainer } from "./build-container.ts";
import { buildHostConfig, networkingOf } from "./container-options.ts";
import { createHelperContainer, type HelperContainer, idleCommand } from "./helper-container.ts";
import { shellDetector } from "./shell-detector.ts";

/** Makes nothing on the engine yet. */
export async function makeHelperContainer(
  { engine, job, names, labels, shared: ofJob, made, stopLimits }: Making,
  image: ProvidedImage,
  extraHosts: readonly string[],
): Promise<HelperContainer> {
  const { keepsVolumes, helperNetworkMode } = job.docker;
  const shared = helperNetworkMode === undefined ? ofJob : { ...ofJob, networkMode: helperNetworkMode };
  const helper = createHelperContainer({
    engine,
    opensFiles: !job.disablesUmask,
    keepsVolumes,
    patienceMs: 2 * stopLimits.patienceMs,
    createOptions: {
      name: names.helper,
      Image: image.containerImage,
      Entrypoint: [],
      Cmd: [...idleCommand],
      Hostname: shared.hostname,
      Env: environmentOf(job, ofJob.networkMode),
      Labels: labels.of({ type: "predefined" }),
      HostConfig: await buildHostConfig(shared, image.id, extraHosts, { usesInitProcess: false, sharesPids: false }),
      ...networkingOf(shared.networkMode, [names.helper]),
    },
  });
  made.defer(helper.remove);
  return helper;
}

/** Makes nothing on the engine yet. @throws {ExecutorError} when the job may not run as the user it wants. */
export async function makeBuildContainer(
  making: Making,
  {
    image,
    provided,
    extraHosts,
  }: { readonly image: ContainerImage; readonly provided: ProvidedImage; readonly extraHosts: readonly string[] },
): Promise<BuildContainer> {
  const { engine, job, names, labels, shared, made, stopLimits } = making;
  const { keepsVolumes, macAddress } = job.docker;
  const user = chooseUser(job, image);
  const createOptions: Dockerode.ContainerCreateOptions = {
    name: names.build,
    Image: provided.containerImage,
    Hostname: shared.hostname,
    Labels: labels.of({ type: "build" }),
    ...(job.runsFunctions ? keepingUp : runningScripts(making, image)),
    ...(user === undefined ? {} : { User: user }),
    ...(macAddress === undefined ? {} : { MacAddress: macAddress }),
    ...(image.platform === undefined ? {} : { platform: image.platform }),
    HostConfig: await buildHostConfig(shared, image.name, extraHosts, {
      usesInitProcess: job.usesInitProcess,
      sharesPids: true,
    }),
    ...networkingOf(shared.networkMode, ["build", names.build]),
  };
  const build = createBuildContainer({
    engine,
    stopLimits: { ...stopLimits, isNative: job.stopsNatively },
    keepsVolumes,
    createOptions,
  });
  made.defer(build.remove);
  return build;
}

/** A container that waits for commands of functions, which see no variables of the job (ci-functions.md §8.2). */
const keepingUp: Partial<Dockerode.ContainerCreateOptions> = { Entrypoint: [], Cmd: [...functionsIdleCommand] };

/** A container that reads one script from its standard input. */
function runningScripts(
  { job, report, shared }: Making,
  image: ContainerImage,
): Partial<Dockerode.ContainerCreateOptions> {
  const entrypoint = entrypointOf(job, image, (text) => report.lines.warning(text));
  return {
    Cmd: [...(job.shellCommand ?? shellDetector)],
    Env: environmentOf(job, shared.networkMode),
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    ...(entrypoint === undefined ? {} : { Entrypoint: [...entrypoint] }),
  };
}

/** With the job's own network its name too (runner-protocol.md §4.10). */
function environmentOf(
  { environment, hasOwnNetwork, docker }: ContainerJob,
  networkMode: string | undefined,
): string[] {
  const isOwn = hasOwnNetwork && docker.networkMode === undefined && networkMode !== undefined;
  return Object.entries({ ...environment, ...(isOwn ? { CI_BUILD_NETWORK_NAME: networkMode } : {}) }).map(
    ([name, value]) => `${name}=${value}`,
  );
}

/** Rule: runner-protocol.md §4.3, row `user`. */
function chooseUser({ docker, expand }: ContainerJob, image: ContainerImage): string | undefined {
  const user = docker.user === undefined ? image.user : expand(docker.user);
  if (user === undefined || user === "") return undefined;
  if (docker.allowedUsers.length > 0 && !docker.allowedUsers.includes(user)) {
    const allowed = docker.allowedUsers.map((one) => `"${one}"`).join(", ");
    throw new ExecutorError(`user "${user}" is not an allowed user: [${allowed}]`, {
      reason: "runner_configuration_error",
    });
  }
  return user;
}

/** Rule: runner-protocol.md §4.3, row `entrypoint`. @returns `undefined`: the image's own. */
function entrypointOf(
  { docker }: ContainerJob,
  { entrypoint }: ContainerImage,
  warn: (text: string) => void,
): readonly string[] | undefined {
  if (entrypoint.length === 0) return undefined;
  if (docker.allowsEntrypoint) return entrypoint;
  warn("Entrypoint override disabled");
  return undefined;
}

import { helperImageName } from "../../helper-image/helper-image.ts";
import type { ContainerJob } from "../container-job.ts";
import type { ExecutorSession } from "../executor.ts";
import { type AskIds, askByScript, giveFiles } from "./containers/give-files.ts";
import { makeBuildContainer, makeHelperContainer } from "./containers/job-containers.ts";
import { createDockerSession } from "./docker-session.ts";
import { describeEngine } from "./engine.ts";
import { startFunctionContainer } from "./functions/function-container.ts";
import { chooseImage, wantImages } from "./images/job-images.ts";
import { createImageProvider } from "./images/provide-image.ts";
import { createLoginFinder } from "./images/registry-auth.ts";
import type { JobPreparation, Making } from "./making.ts";
import { namesOf } from "./names.ts";
import { openNetwork } from "./network.ts";
import { planServices } from "./services/plan-services.ts";
import { checkServices, runServices } from "./services/run-services.ts";
import { createVolumes, openDirectories, planVolumes, removeTemporaryVolumes } from "./volumes.ts";

/**
 * Makes the place where a job runs: images, network, volumes, services, containers.
 *
 * After a failure nothing of it is left. @throws {ExecutorError}. @throws the signal's reason when it was aborted.
 *
 * Rule: runner-protocol.md §4.2.
 */
export async function prepareJob(preparation: JobPreparation): Promise<ExecutorSession> {
  await using made = new AsyncDisposableStack();
  const session = await furnish(preparation, made);
  preparation.signal.throwIfAborted();
  const rest = made.move();
  return session(async () => preparation.keepRemoving(rest.disposeAsync()));
}

type OpenSession = (cleanUp: () => Promise<void>) => ExecutorSession;

async function furnish(preparation: JobPreparation, made: AsyncDisposableStack): Promise<OpenSession> {
  const { engine, job, report, signal } = preparation;
  const { architecture } = await describeEngine(engine, signal);
  const image = chooseImage(job, report.lines);
  const services = planServices(job);
  for (const warning of services.warnings) report.lines.warning(warning);
  checkServices(services, job, report.lines);
  const images = createImageProvider({
    engine,
    findLogin: createLoginFinder(job.registryAccess, preparation.environment),
    pullStarted: report.pullStarted,
    signal,
    ...(preparation.pullRetryDelaysMs === undefined ? {} : { retryDelaysMs: preparation.pullRetryDelaysMs }),
  });
  const helperImage = preparation.helperImage ?? helperImageName(architecture);
  const wanted = wantImages(job, images, { image, services: services.services, helperImage });

  const names = namesOf(job.identity);
  const labels = preparation.ownership.labelsFor(job.labels, expandAll(job));
  const network = made.use(await openNetwork(engine, job, names, labels));
  const volumes = planVolumes(job, names);
  made.defer(() => removeTemporaryVolumes(engine, volumes));
  await createVolumes(engine, volumes, { job, labels });
  const shared = {
    config: job.docker,
    hostname: job.docker.hostname ?? names.hostname,
    binds: volumes.binds,
    networkMode: network.mode,
  };
  const making: Making = { ...preparation, names, labels, made, shared };

  const running = await runServices(making, services.services, wanted, (hosts, provided) =>
    makeHelperContainer(making, provided, hosts),
  );
  const { extraHosts, helper } = running;
  const build = await makeBuildContainer(making, {
    image,
    provided: await wanted.build.ready(report.lines),
    extraHosts,
  });
  if (job.disablesUmask) report.lines.plain("Not using umask - FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR is set!");
  await openDirectories(job, volumes, await build.create());
  const giveTo = async (askIds: AskIds, during: AbortSignal) => {
    if (job.disablesUmask) await giveFiles({ askIds, helper }, job.directories, during);
  };
  const shells = preparation.staticShells;
  const openFunctions = job.runsFunctions
    ? startFunctionContainer({ build, helper, helperImageId: running.helperImage.id, shells, beforeCommands: giveTo })
    : undefined;
  return (cleanUp) =>
    createDockerSession({
      build,
      helper,
      openFunctions,
      beforeScripts: (during) => giveTo(askByScript(build), during),
      hostname: shared.hostname,
      isFresh: volumes.areBuildsFresh,
      sectionAttempts: job.sectionAttempts,
      lines: report.lines,
      cleanUp,
    });
}

function expandAll({ docker, expand }: ContainerJob): Record<string, string> {
  return Object.fromEntries(Object.entries(docker.containerLabels).map(([key, value]) => [key, expand(value)]));
}

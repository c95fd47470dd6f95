import { randomBytes } from "node:crypto";
import { type Log, silentLog } from "@jobscope/labkit";
import Docker from "dockerode";
import { busyboxFiles, type ImageFile, importImage } from "../../../../../test/support/docker-engine.ts";
import { createDockerExecutor } from "../../../src/executors/docker/docker-executor.ts";
import { ensureHelperImage } from "../../../src/helper-image/ensure-helper-image.ts";
import { aJob, type JobWishes } from "../../support/a-job.ts";
import { aRunner } from "../../support/a-runner.ts";
import { aTrace, type RecordedTrace } from "../../support/a-trace.ts";
import { createJobBench, type JobBench, type JobResult, type RunOptions } from "../../support/run-a-job.ts";

/** A Docker executor on the real engine, with images made for the test. Disposal removes all of it. */
export interface DockerScene extends AsyncDisposable {
  readonly engine: Docker;
  readonly bench: JobBench;
  /** An image with a shell and little else. */
  readonly image: string;
  /** Tells this scene's things from others'. */
  readonly projectId: number;
  /** Makes another image, which goes with the scene. @returns its reference. */
  makeImage(name: string, files: readonly ImageFile[], changes?: readonly string[]): Promise<string>;
  /** Runs a job, by default in `image`; `docker` are keys of `[runners.docker]`. */
  run(wishes: DockerWishes, options?: RunOptions): Promise<JobResult & { readonly trace: RecordedTrace }>;
  /** What is left on the engine of this scene's jobs: containers, networks, volumes. */
  leftovers(): Promise<readonly string[]>;
}

export interface DockerWishes extends Omit<JobWishes, "image" | "services"> {
  readonly image?: string | Partial<ImageWish>;
  readonly services?: readonly Partial<ImageWish>[];
  readonly docker?: Readonly<Record<string, unknown>>;
  /** `shell` of `[[runners]]`. */
  readonly shell?: string;
  /** `[runners.cache]` */
  readonly cacheTable?: Readonly<Record<string, unknown>>;
}

type ImageWish = NonNullable<ReturnType<typeof aJob>["image"]>;

/** What one process of a scene takes over from another. */
export interface SharedScene {
  readonly identity: string;
  readonly image: string;
  readonly projectId: number;
}

export async function createDockerScene(
  options: { readonly shared?: SharedScene; readonly log?: Log; readonly answerTimeoutMs?: number } = {},
): Promise<DockerScene> {
  const { shared } = options;
  const engine = new Docker();
  await ensureHelperImage({ docker: engine, log: silentLog, signal: AbortSignal.timeout(120_000) });
  const id = randomBytes(6).toString("hex");
  const images: string[] = [];
  const identity = shared?.identity ?? `docker scene ${id}`;
  const executor = createDockerExecutor({
    log: options.log ?? silentLog,
    identity,
    environment: { PATH: "/nonexistent", HOME: "/nonexistent" },
    configs: [],
    stopLimits: { termMs: 2_000, stopS: 1, patienceMs: 1_000 },
    answerTimeoutMs: options.answerTimeoutMs ?? 60_000,
    pullRetryDelaysMs: [1, 2],
  });
  const bench = await createJobBench({ executor });

  async function makeImage(name: string, files: readonly ImageFile[], changes: readonly string[] = []) {
    const reference = `jobscope-test-${id}/${name}:1`;
    await importImage(engine, reference, files, changes);
    images.push(reference);
    return reference;
  }

  const image = shared?.image ?? (await makeImage("busybox", busyboxFiles));
  const projectId = shared?.projectId ?? Number.parseInt(id.slice(0, 7), 16);

  async function leftovers(): Promise<readonly string[]> {
    const filters = { label: [`com.gitlab.gitlab-runner.project.id=${projectId}`] };
    const containers = await engine.listContainers({ all: true, filters });
    const networks = await engine.listNetworks({ filters });
    const { Volumes: volumes } = await engine.listVolumes({ filters });
    return [
      ...containers.flatMap(({ Names: names }) => names),
      ...networks.map(({ Name: name }) => name),
      ...(volumes ?? []).map(({ Name: name }) => name),
    ];
  }

  return {
    engine,
    bench,
    image,
    projectId,
    makeImage,
    leftovers,
    async run({ image: wanted = image, services = [], docker = {}, cacheTable, shell, ...wishes }, runOptions = {}) {
      const trace = aTrace();
      const job = aJob({
        project: { id: projectId, name: "demo", fullPath: "group/demo" },
        ...wishes,
        image: imageOf(typeof wanted === "string" ? { name: wanted } : { name: image, ...wanted }),
        services: services.map(imageOf),
      });
      const table = { pull_policy: "never", ...docker };
      const runner = aRunner("http://127.0.0.1:1", {
        token: "glrt-abc123def456",
        executor: "docker",
        docker: table,
        ...(shell === undefined ? {} : { shell }),
        ...(cacheTable === undefined ? {} : { cache: cacheTable }),
      });
      const result = await bench.run(job, { jobTrace: trace.jobTrace, runner, ...runOptions });
      return { ...result, trace };
    },
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      for (const reference of images)
        await engine
          .getImage(reference)
          .remove({ force: true })
          .catch(() => undefined);
    },
  };
}

function imageOf(wish: Partial<ImageWish>): ImageWish {
  return {
    name: "",
    aliases: [],
    command: [],
    entrypoint: [],
    variables: [],
    pullPolicies: [],
    executorOptions: {},
    ...wish,
  };
}

import type { Job, JobVariable } from "../../src/coordinator-client/job.ts";

/** A job with defaults that run anywhere: no sources, one script line, sections on, no timestamps. */
export interface JobWishes extends Partial<Omit<Job, "variables" | "scriptSteps" | "git">> {
  /** Lines of the step `script`. Default: `["true"]`. */
  readonly script?: readonly string[];
  /** Lines of `after_script`. Default: none. */
  readonly afterScript?: readonly string[];
  /** Steps as they are, instead of `script` and `afterScript`. */
  readonly scriptSteps?: Job["scriptSteps"];
  /** Texts, or whole variables. `GIT_STRATEGY` is `none` and `FF_TIMESTAMPS` `false` unless given. */
  readonly variables?: Readonly<Record<string, string | Partial<JobVariable>>>;
  readonly git?: Partial<Job["git"]>;
}

export function aJob(wishes: JobWishes = {}): Job {
  const { script = ["true"], afterScript, variables = {}, git = {}, ...rest } = wishes;
  const steps = [{ name: "script", script }, ...(afterScript ? [{ name: "after_script", script: afterScript }] : [])];
  return {
    id: 42,
    jobToken: "glcbt-64_job-token-of-the-test",
    name: "test job",
    pipelineStage: "test",
    project: { id: 7, name: "demo", fullPath: "group/demo" },
    pipelineId: 77,
    queuedDurationS: 0.5,
    projectJobsRunning: "0",
    queue: { size: undefined, depth: undefined },
    allowsGitFetch: true,
    timeoutMs: 60_000,
    variables: variablesOf({ GIT_STRATEGY: "none", FF_TIMESTAMPS: "false", ...variables }),
    scriptSteps: steps,
    run: undefined,
    image: undefined,
    services: [],
    artifacts: [],
    caches: [],
    registryCredentials: [],
    dependencies: [],
    secrets: undefined,
    hooks: [],
    inputs: [],
    policy: undefined,
    acceptsLogSections: true,
    tokenMaskPrefixes: [],
    acceptedFailureReasons: [],
    rawPayload: {},
    correlationId: "",
    serverCertificateChain: undefined,
    ...rest,
    git: {
      repositoryUrl: "http://127.0.0.1:1/group/demo.git",
      objectFormat: "sha1",
      ref: "main",
      refType: "branch",
      sha: "0123456789abcdef0123456789abcdef01234567",
      beforeSha: "0000000000000000000000000000000000000000",
      refspecs: ["+refs/heads/main:refs/remotes/origin/main"],
      depth: 20,
      isProtected: undefined,
      ...git,
    },
  };
}

function variablesOf(wishes: NonNullable<JobWishes["variables"]>): JobVariable[] {
  return Object.entries(wishes).map(([key, wish]) => {
    const neutral = { key, value: "", isPublic: true, isFile: false, isMasked: false, isRaw: false };
    return typeof wish === "string" ? { ...neutral, value: wish } : { ...neutral, ...wish };
  });
}

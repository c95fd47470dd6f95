import { aJobPayload, aVariable } from "./job-payload.ts";

/** How a job of the soak goes, and what the coordinator must hear of it at its end. */
export interface SoakPlan {
  readonly name: string;
  /** Of a hundred jobs. */
  readonly share: number;
  readonly script: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly timeoutS?: number;
  /** What the coordinator answers once the job was acknowledged. */
  readonly jobStatus?: "canceling" | "canceled";
  /** `state` and `failure_reason` of the final update; `undefined`: the job is not ours any more, there need not be one. */
  readonly end: readonly [string, string | undefined] | undefined;
}

export const soakPlans: readonly SoakPlan[] = [
  { name: "succeeds", share: 60, script: ["echo hello", "true"], end: ["success", undefined] },
  { name: "fails", share: 10, script: ["exit 3"], end: ["failed", "script_failure"] },
  {
    name: "prints much",
    share: 6,
    script: ["head -c 400000 /dev/zero | tr '\\0' 'x'"],
    end: ["success", undefined],
  },
  {
    name: "leaves processes",
    share: 6,
    script: ["setsid sleep 600 < /dev/null > /dev/null 2>&1 &", "sleep 600 < /dev/null > /dev/null 2>&1 &"],
    end: ["success", undefined],
  },
  {
    name: "is canceled",
    share: 6,
    script: ["sleep 600"],
    jobStatus: "canceling",
    end: ["failed", "job_canceled"],
  },
  { name: "is taken away", share: 4, script: ["sleep 600"], jobStatus: "canceled", end: undefined },
  {
    name: "exceeds its timeout",
    share: 4,
    script: ["sleep 600"],
    timeoutS: 1,
    end: ["failed", "job_execution_timeout"],
  },
  {
    name: "exceeds its script's timeout",
    share: 4,
    script: ["sleep 600"],
    variables: { RUNNER_SCRIPT_TIMEOUT: "300ms" },
    end: ["failed", "job_execution_timeout"],
  },
];

/** The plan for a random number below 1. */
export function soakPlan(random: number): SoakPlan {
  let rest = random * soakPlans.reduce((sum, { share }) => sum + share, 0);
  const plan = soakPlans.find(({ share }) => {
    rest -= share;
    return rest < 0;
  });
  if (plan === undefined) throw new Error("a random number is below 1");
  return plan;
}

export function soakPayload(id: number, plan: SoakPlan): Record<string, unknown> {
  const variables = Object.entries({ GIT_STRATEGY: "none", ...plan.variables });
  return aJobPayload({
    id,
    token: `glcbt-${id}`,
    runner_info: { timeout: plan.timeoutS ?? 600 },
    variables: variables.map(([key, value]) => aVariable(key, value)),
    steps: [{ name: "script", script: plan.script }],
    features: {
      failure_reasons: ["unknown_failure", "script_failure", "job_canceled", "job_execution_timeout"],
      tracing: { trace_id: id.toString(16).padStart(32, "0"), otel_endpoints: [] },
    },
  });
}

/** A reproducible sequence of numbers from 0 to below 1 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

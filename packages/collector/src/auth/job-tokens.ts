import { createHash } from "node:crypto";
import { isLoopback } from "@jobscope/labkit";
import { z } from "zod";
import { ConfigError } from "../config-error.ts";
import { refused, type SendingJob, type Verdict } from "./verdict.ts";

/** Judges the tokens of running jobs (`CI_JOB_TOKEN`). */
export interface JobTokenVerifier {
  verify(token: string): Promise<Verdict>;
}

/** Times and bounds of {@link createJobTokenVerifier}. */
export interface JobTokenTimes {
  /** How long an answer is believed: spans of a job that just ended come when its token is no longer valid. Default 300,000 ms. */
  readonly acceptedMs?: number;
  /** How long a token that was refused is not asked about again. Default 10,000 ms. */
  readonly refusedMs?: number;
  /** How long one question may take. Default 5000 ms. */
  readonly timeoutMs?: number;
}

/** Tokens that are told apart; the one that was asked about least recently is forgotten first. */
const maxTokens = 10_000;
/** Questions at the same time, so that guessed tokens are no way to attack the coordinator through us. */
const maxQuestions = 16;

/** `GET /api/v4/job` with a job token: the job that it belongs to, as long as it runs. */
const jobSchema = z.object({ id: z.number(), pipeline: z.object({ id: z.number(), source: z.string().optional() }) });

/**
 * Asks a coordinator (GitLab, or ours) whose job a token is. Its trace is that of its pipeline (telemetry.md §1). Of a
 * child pipeline the coordinator does not tell the root, whose trace it is: the job is then held to the first trace that it
 * sends to.
 *
 * @param coordinator `https://gitlab.example.com`; `http://` on loopback alone.
 * @throws {ConfigError} when the address cannot be used.
 */
export function createJobTokenVerifier(
  coordinator: string,
  { acceptedMs = 300_000, refusedMs = 10_000, timeoutMs = 5000 }: JobTokenTimes = {},
): JobTokenVerifier {
  const url = urlOf(coordinator);
  const known = new Map<string, { readonly verdict: Promise<Verdict>; untilMs: number }>();
  /** What a job was held to outlives what is known of its token. */
  const jobs = new Map<string, SendingJob>();
  let questions = 0;

  async function ask(token: string): Promise<Verdict> {
    if (questions >= maxQuestions) return refused("issuer-unavailable");
    questions += 1;
    try {
      const headers = { "JOB-TOKEN": token, accept: "application/json" };
      const response = await fetch(url, { headers, redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
      if (!response.ok) {
        await response.body?.cancel();
        return refused(isRefusal(response.status) ? "unknown-token" : "issuer-unavailable");
      }
      const job = jobSchema.parse(await response.json());
      return { kind: "accepted", sender: `job ${job.id}`, job: remembered(job) };
    } catch {
      return refused("issuer-unavailable"); // No answer, or none that says which job it is.
    } finally {
      questions -= 1;
    }
  }

  function remembered({ id, pipeline }: z.output<typeof jobSchema>): SendingJob {
    const jobId = String(id);
    const isRoot = pipeline.source !== undefined && pipeline.source !== "parent_pipeline";
    const job = jobs.get(jobId) ?? { jobId, traceId: isRoot ? pipeline.id.toString(16).padStart(32, "0") : undefined };
    keep(jobs, jobId, job);
    return job;
  }

  return {
    async verify(token) {
      const key = createHash("sha256").update(token).digest("base64");
      const before = known.get(key);
      const entry =
        before !== undefined && performance.now() < before.untilMs
          ? before
          : { verdict: ask(token), untilMs: performance.now() + timeoutMs };
      keep(known, key, entry);
      const verdict = await entry.verdict;
      if (entry !== before) entry.untilMs = performance.now() + lifeOf(verdict);
      return verdict;
    },
  };

  function lifeOf(verdict: Verdict): number {
    if (verdict.kind === "accepted") return acceptedMs;
    return verdict.reason === "issuer-unavailable" ? 0 : refusedMs;
  }
}

/** 401, 403 and 404 are about the token; everything else is the coordinator's trouble. */
function isRefusal(status: number): boolean {
  return status === 401 || status === 403 || status === 404;
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > maxTokens && oldest !== undefined) map.delete(oldest);
}

function urlOf(coordinator: string): string {
  const url = URL.parse(coordinator);
  if (url === null || !(url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url)))) {
    const problem = `"${coordinator}" is no https:// URL of a coordinator (http:// is for loopback)`;
    throw new ConfigError([{ key: "auth.jobTokensOf", problem }]);
  }
  return `${coordinator.replace(/\/+$/, "")}/api/v4/job`;
}

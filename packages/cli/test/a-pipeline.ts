import type { ViewSpan } from "../src/view/view-span.ts";

/** Milliseconds after this are what the builders take. */
export const beginUnixNano = 1_700_000_000_000_000_000n;

/** A time on the builders' scale. */
export function at(ms: number): bigint {
  return beginUnixNano + BigInt(Math.round(ms * 1000)) * 1000n;
}

/** A span with defaults; times in ms after the begin, `to: undefined` for an open one. */
export function aSpan(facts: {
  name: string;
  from: number;
  to: number | undefined;
  id?: string;
  parent?: string;
  status?: ViewSpan["status"];
  attributes?: Record<string, string>;
}): ViewSpan {
  return {
    traceId: "0".repeat(31) + 1,
    spanId: facts.id ?? `${facts.name}@${facts.from}`,
    parentSpanId: facts.parent,
    name: facts.name,
    startUnixNano: at(facts.from),
    endUnixNano: facts.to === undefined ? undefined : at(facts.to),
    status: facts.status ?? (facts.to === undefined ? "unset" : "ok"),
    statusMessage: "",
    attributes: facts.attributes ?? {},
  };
}

/** The spans of one job as coordinator and runner send them. Stages: name, from, to, status. */
export function aJob(facts: {
  jobId: number;
  name: string;
  stage?: string;
  queued: number;
  stages: readonly (readonly [
    name: string,
    from: number,
    to: number | undefined,
    attributes?: Record<string, string>,
  ])[];
  state?: "success" | "failed" | "canceled";
  attributes?: Record<string, string>;
}): ViewSpan[] {
  const { jobId, name, stage = "test", queued, stages, state = "success" } = facts;
  const start = stages[0]?.[1] ?? queued;
  const end = stages.some(([, , to]) => to === undefined)
    ? undefined
    : Math.max(start, ...stages.map(([, , to]) => to ?? 0));
  const status = end === undefined ? "unset" : state === "success" ? "ok" : "error";
  const attributes = {
    "ci.job.id": String(jobId),
    "ci.job.name": name,
    "ci.job.stage": stage,
    ...(end === undefined ? {} : { "ci.job.status": state }),
    ...facts.attributes,
  };
  const id = (kind: string): string => `${kind}-${jobId}`;
  const runner = aSpan({
    name: "job_execution",
    from: start,
    to: end,
    id: id("execution"),
    parent: id("running"),
    status,
    attributes,
  });
  const stageSpans = stages.map(([stageName, from, to, more]) =>
    aSpan({
      name: stageName,
      from,
      to,
      id: id(`${stageName}@${from}`),
      parent: id("execution"),
      status: to === undefined ? "unset" : more?.["ci.stage.status"] === "failed" ? "error" : "ok",
      attributes: { "ci.job.id": String(jobId), ...more },
    }),
  );
  const rails = [
    aSpan({ name: "job_lifecycle", from: queued, to: end, id: id("lifecycle"), status, attributes }),
    aSpan({ name: "job_pending", from: queued, to: start, id: id("pending"), parent: id("lifecycle"), attributes }),
    aSpan({
      name: "job_running",
      from: start,
      to: end,
      id: id("running"),
      parent: id("lifecycle"),
      status,
      attributes,
    }),
  ];
  return [...rails, runner, ...stageSpans];
}

import { z } from "zod";
import { CoordinatorError } from "../../coordinator-error.ts";
import type { RevealedConfig } from "./hidden-keywords.ts";
import type { AutoCancelDefinition, JobDefinition, RuleDefinition, YamlVariable } from "./job-definition.ts";
import { autoCancelSchema, rulesSchema, textsSchema, variablesSchema } from "./keyword-schemas.ts";
import { isPlainObject, type PlainObject } from "./plain-object.ts";
import { check, type Problems } from "./problems.ts";
import { readJob } from "./read-job.ts";

/** The configuration, checked and in one spelling. */
export interface PipelineConfig {
  /** In order, `.pre` first and `.post` last. */
  readonly pipelineStages: readonly string[];
  readonly variables: readonly YamlVariable[];
  /** `workflow: name`, variables not expanded. */
  readonly workflowName: string | undefined;
  readonly workflowRules: readonly RuleDefinition[] | undefined;
  /** `workflow: auto_cancel`; a rule of it may say otherwise. */
  readonly autoCancel: AutoCancelDefinition;
  readonly jobs: readonly JobDefinition[];
  /** One sentence for each keyword that is not acted on, wherever it stands. */
  readonly warnings: readonly string[];
}

const workflowSchema = z.strictObject({
  name: z.string().nullish(),
  rules: rulesSchema.optional(),
  auto_cancel: autoCancelSchema.optional(),
});

/** @throws {CoordinatorError} `config-invalid` with every problem found. */
export function readConfig(expanded: RevealedConfig, configPath: string): PipelineConfig {
  const found: string[] = [];
  const ignored = new Map<string, string[]>();
  const problems: Problems = {
    add: (place, sentence) => found.push(`${configPath}: ${place}: ${sentence}`),
    ignored: (keyword, jobName) => ignored.set(keyword, [...(ignored.get(keyword) ?? []), jobName]),
  };
  const config = {
    pipelineStages: readStages(expanded.pipelineStages, problems),
    variables: check(variablesSchema, expanded.variables, "variables", problems) ?? [],
    ...readWorkflow(expanded.workflow, problems),
    jobs: [...expanded.jobs].flatMap(([name, job]) => readJob(name, job, expanded.default, problems) ?? []),
  };
  checkStages(config.jobs, config.pipelineStages, problems);
  if (found.length > 0) {
    throw new CoordinatorError(found.join("\n"), { code: "config-invalid", problems: found });
  }
  const warnings = [...ignored].map(([keyword, jobs]) => `"${keyword}" is not acted on (${jobList(jobs)})`);
  return { ...config, warnings };
}

function jobList(jobs: readonly string[]): string {
  const shown = jobs.slice(0, 5).join(", ");
  return jobs.length > 5 ? `${shown} and ${jobs.length - 5} more` : shown;
}

function readStages(value: unknown, problems: Problems): string[] {
  const stages = check(textsSchema, value ?? ["build", "test", "deploy"], "stages", problems) ?? [];
  const between = stages.filter((stage) => stage !== ".pre" && stage !== ".post");
  return [".pre", ...new Set(between), ".post"];
}

function readWorkflow(value: PlainObject, problems: Problems) {
  const workflow = check(workflowSchema, value, "workflow", problems);
  return {
    workflowName: workflow?.name ?? undefined,
    workflowRules: workflow?.rules,
    autoCancel: workflow?.auto_cancel ?? {},
  };
}

function checkStages(jobs: readonly JobDefinition[], pipelineStages: readonly string[], problems: Problems): void {
  for (const job of jobs) {
    if (pipelineStages.includes(job.pipelineStage)) continue;
    const known = pipelineStages.join(", ");
    problems.add(`job "${job.name}"`, `stage "${job.pipelineStage}" is not among the stages (${known})`);
  }
}

/** `workflow: rules` and `include: rules` outside a configuration. `undefined` when they are malformed. */
export function readRules(value: unknown): readonly RuleDefinition[] | undefined {
  const result = rulesSchema.safeParse(isPlainObject(value) ? [value] : value);
  return result.success ? result.data : undefined;
}

import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import {
  ATTR_CICD_PIPELINE_NAME,
  ATTR_CICD_PIPELINE_RUN_ID,
  ATTR_CICD_PIPELINE_RUN_URL_FULL,
  ATTR_CICD_PIPELINE_TASK_NAME,
  ATTR_CICD_PIPELINE_TASK_RUN_ID,
  ATTR_CICD_PIPELINE_TASK_RUN_RESULT,
  ATTR_CICD_PIPELINE_TASK_RUN_URL_FULL,
  ATTR_CICD_WORKER_ID,
  ATTR_CICD_WORKER_NAME,
  ATTR_VCS_CHANGE_ID,
  ATTR_VCS_REF_HEAD_NAME,
  ATTR_VCS_REF_HEAD_REVISION,
  ATTR_VCS_REF_TYPE,
  ATTR_VCS_REPOSITORY_URL_FULL,
} from "./incubating-names.ts";

/** What a value of an attribute is; an `int` and a `double` are both numbers in JavaScript. */
type AttributeType = "string" | "int" | "double" | "bool" | "string[]";

/**
 * Every span attribute there is, by the span that carries it. The one place where a name is spelt: `SpanAttributes` is
 * made of it, so a misspelt name or a wrong type does not compile.
 *
 * Rule: telemetry.md §2; `command` and `section` are ours, the contract names none for them.
 */
export const attributesBySpan = {
  everySpan: {
    "ci.job.id": "int",
    "ci.project.id": "int",
    "ci.pipeline.id": "string",
    "ci.pipeline.source": "string",
    "ci.runner.id": "int",
    "ci.runner.executor": "string",
    [ATTR_ERROR_TYPE]: "string",
  },
  jobExecution: {
    "ci.job.name": "string",
    "ci.job.stage": "string",
    "ci.job.status": "string",
    "ci.job.failure_reason": "string",
    "ci.job.exit_code": "int",
    "ci.job.allow_failure": "bool",
    "ci.job.timeout_s": "int",
    "ci.job.queued_duration_s": "double",
    "ci.job.url": "string",
    "ci.job.attempt": "int",
    "ci.project.path": "string",
    "ci.pipeline.iid": "string",
    "ci.ref": "string",
    "ci.sha": "string",
    "ci.runner.description": "string",
    "ci.runner.system_id": "string",
    "ci.runner.tags": "string[]",
    "ci.job.log.bytes": "int",
    "ci.telemetry.dropped_spans": "int",
    "ci.telemetry.truncated_values": "int",
    "ci.telemetry.masked_values": "int",
  },
  jobExecutionOtel: {
    [ATTR_CICD_PIPELINE_NAME]: "string",
    [ATTR_CICD_PIPELINE_RUN_ID]: "string",
    [ATTR_CICD_PIPELINE_RUN_URL_FULL]: "string",
    [ATTR_CICD_PIPELINE_TASK_NAME]: "string",
    [ATTR_CICD_PIPELINE_TASK_RUN_ID]: "string",
    [ATTR_CICD_PIPELINE_TASK_RUN_URL_FULL]: "string",
    [ATTR_CICD_PIPELINE_TASK_RUN_RESULT]: "string",
    [ATTR_CICD_WORKER_ID]: "string",
    [ATTR_CICD_WORKER_NAME]: "string",
    [ATTR_VCS_REPOSITORY_URL_FULL]: "string",
    [ATTR_VCS_REF_HEAD_NAME]: "string",
    [ATTR_VCS_REF_HEAD_REVISION]: "string",
    [ATTR_VCS_REF_TYPE]: "string",
    [ATTR_VCS_CHANGE_ID]: "string",
  },
  stage: {
    "ci.stage.name": "string",
    "ci.stage.status": "string",
    "ci.stage.attempt": "int",
    "ci.stage.exit_code": "int",
    "ci.stage.cpu_time_s": "double",
    "ci.stage.memory_peak_bytes": "int",
    "ci.stage.network_receive_bytes": "int",
    "ci.stage.network_transmit_bytes": "int",
    "ci.stage.oom_killed": "bool",
  },
  prepareExecutor: {
    "ci.executor.name": "string",
    "ci.executor.services": "string[]",
  },
  pullImage: {
    "ci.image.name": "string",
    "ci.image.tag": "string",
    "ci.image.digest": "string",
    "ci.image.pull_policy": "string",
    "ci.image.pulled": "bool",
    "ci.image.size_bytes": "int",
    "ci.image.layers": "int",
    "ci.image.role": "string",
  },
  getSources: {
    "ci.git.operation": "string",
    "ci.git.depth": "int",
    "ci.git.filter": "string",
    "ci.git.submodules": "string",
    "ci.git.received_bytes": "int",
  },
  cache: {
    "ci.cache.key": "string",
    "ci.cache.hit": "bool",
    "ci.cache.fallback_key": "string",
    "ci.cache.size_bytes": "int",
    "ci.cache.files": "int",
    "ci.cache.policy": "string",
    "ci.cache.backend": "string",
    "ci.cache.skipped": "bool",
  },
  artifacts: {
    "ci.artifact.name": "string",
    "ci.artifact.type": "string",
    "ci.artifact.format": "string",
    "ci.artifact.size_bytes": "int",
    "ci.artifact.files": "int",
    "ci.artifact.from_job": "string",
  },
  function: {
    "ci.function.name": "string",
    "ci.function.version": "string",
    "ci.function.status": "string",
    "ci.function.type": "string",
    "ci.function.exit_code": "int",
    "ci.function.depth": "int",
  },
  generic: {
    "ci.resource.type": "string",
    "ci.resource.operation": "string",
    "ci.resource.key": "string",
    "ci.resource.hit": "bool",
    "ci.network.rx_bytes": "int",
    "ci.network.tx_bytes": "int",
    "ci.operation.retry_count": "int",
  },
  command: {
    "ci.command.text": "string",
    "ci.command.index": "int",
    "ci.command.exit_code": "int",
  },
  section: {
    "ci.section.name": "string",
    "ci.section.collapsed": "bool",
  },
} as const satisfies Record<string, Record<string, AttributeType>>;

type Groups = typeof attributesBySpan;
type ValueOf<Type extends AttributeType> = {
  string: string;
  int: number;
  double: number;
  bool: boolean;
  "string[]": readonly string[];
}[Type];
type AttributesOf<Group> = {
  readonly [Name in keyof Group]?: Group[Name] extends AttributeType ? ValueOf<Group[Name]> | undefined : never;
};
type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** Attributes of a span, by their names of telemetry.md §2. An undefined value is as good as none. */
export type SpanAttributes = Intersection<{ [Name in keyof Groups]: AttributesOf<Groups[Name]> }[keyof Groups]>;

/** A name of telemetry.md §2. */
export type SpanAttributeName = keyof SpanAttributes;

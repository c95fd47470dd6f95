import type { SpanAttributes, StageSpan } from "@jobscope/job-telemetry";
import type { AvailableImage, ImageRequest } from "../../executors/container-job.ts";
import { parseImageReference } from "../../executors/docker/images/image-reference.ts";
import type { PreparationReport } from "../../executors/executor.ts";
import type { JobRun } from "../job-run.ts";
import { endFailed } from "./run-stage.ts";

/** Tells the job log and the job's trace what happens in `prepare_executor`. Rule: telemetry.md §2. */
export function reportPreparation(run: JobRun, stage: StageSpan): PreparationReport {
  return {
    lines: run.lines,
    pullStarted(image) {
      const span = run.options.jobTrace.startStage({ name: "pull_image", attributes: requestAttributes(image) });
      return {
        succeeded(available) {
          span.setAttributes(imageAttributes(available));
          span.end({ status: "success" });
        },
        failed: (error) => endFailed(span, error),
      };
    },
    servicesStarting(names) {
      stage.setAttributes({ "ci.executor.services": [...names] });
      const span = stage.startChild({ name: "start_services", attributes: { "ci.executor.services": [...names] } });
      return {
        environment: span.environment,
        succeeded: () => span.end({ status: "success" }),
        failed: (error) => endFailed(span, error),
      };
    },
    openServiceLog: (stream) => (stream === "service" ? run.log.openServiceStream() : run.log.openRunnerStream()),
  };
}

function requestAttributes({ reference, role }: ImageRequest): SpanAttributes {
  const { name, tag, digest } = parseImageReference(reference);
  return {
    "ci.image.name": name,
    "ci.image.tag": tag ?? (digest === undefined ? "latest" : undefined),
    "ci.image.digest": digest,
    "ci.image.role": role,
  };
}

function imageAttributes(image: AvailableImage): SpanAttributes {
  return {
    "ci.image.digest": image.digest?.split("@")[1],
    "ci.image.pull_policy": image.policy,
    "ci.image.pulled": image.isPulled,
    "ci.image.size_bytes": image.sizeBytes,
    "ci.image.layers": image.layers,
    "ci.network.rx_bytes": image.receivedBytes,
  };
}

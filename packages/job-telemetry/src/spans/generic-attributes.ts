import type { SpanAttributes } from "../attributes.ts";

/**
 * The attributes that GitLab's later design has for all stages alike, made of those that a stage has of its own.
 *
 * @param stage `attributes`: all that the stage's span was given. What it says itself of its transfers wins.
 *
 * Rule: telemetry.md §2, "the generic ones".
 */
export function genericAttributes(stage: { name: string; attributes: SpanAttributes }): SpanAttributes {
  const { attributes } = stage;
  const attempt = attributes["ci.stage.attempt"];
  const resource = resourceAttributes(stage.name, attributes);
  return {
    ...resource,
    "ci.network.rx_bytes":
      attributes["ci.network.rx_bytes"] ??
      attributes["ci.stage.network_receive_bytes"] ??
      resource["ci.network.rx_bytes"],
    "ci.network.tx_bytes":
      attributes["ci.network.tx_bytes"] ??
      attributes["ci.stage.network_transmit_bytes"] ??
      resource["ci.network.tx_bytes"],
    "ci.operation.retry_count":
      attributes["ci.operation.retry_count"] ?? (attempt === undefined ? undefined : attempt - 1),
  };
}

function resourceAttributes(stageName: string, attributes: SpanAttributes): SpanAttributes {
  switch (stageName) {
    case "pull_image":
      return image(attributes);
    case "get_sources":
      return git(attributes);
    case "restore_cache":
      return cache("restore", attributes);
    case "archive_cache":
      return cache("archive", attributes);
    case "download_artifacts":
      return { ...artifact("download", attributes), "ci.network.rx_bytes": attributes["ci.artifact.size_bytes"] };
    case "upload_artifacts":
      return { ...artifact("upload", attributes), "ci.network.tx_bytes": attributes["ci.artifact.size_bytes"] };
    default:
      return {};
  }
}

function image(attributes: SpanAttributes): SpanAttributes {
  const pulled = attributes["ci.image.pulled"];
  const tag = attributes["ci.image.tag"];
  const name = attributes["ci.image.name"];
  return {
    "ci.resource.type": "image",
    "ci.resource.operation": "pull",
    "ci.resource.key": name !== undefined && tag !== undefined ? `${name}:${tag}` : name,
    "ci.resource.hit": pulled === undefined ? undefined : !pulled,
  };
}

function git(attributes: SpanAttributes): SpanAttributes {
  const operation = attributes["ci.git.operation"];
  return {
    "ci.resource.type": "git",
    // `none` and `empty` are strategies, not operations on a resource.
    "ci.resource.operation": operation === "clone" || operation === "fetch" ? operation : undefined,
    "ci.network.rx_bytes": attributes["ci.git.received_bytes"],
  };
}

function cache(operation: "restore" | "archive", attributes: SpanAttributes): SpanAttributes {
  const backend = attributes["ci.cache.backend"];
  // A cache on the local disk crosses no network.
  const networkBytes = backend === undefined || backend === "local" ? undefined : attributes["ci.cache.size_bytes"];
  return {
    "ci.resource.type": "cache",
    "ci.resource.operation": operation,
    "ci.resource.key": attributes["ci.cache.key"],
    "ci.resource.hit": operation === "restore" ? attributes["ci.cache.hit"] : undefined,
    [operation === "restore" ? "ci.network.rx_bytes" : "ci.network.tx_bytes"]: networkBytes,
  };
}

function artifact(operation: "download" | "upload", attributes: SpanAttributes): SpanAttributes {
  return {
    "ci.resource.type": "artifact",
    "ci.resource.operation": operation,
    "ci.resource.key": attributes["ci.artifact.name"] ?? attributes["ci.artifact.from_job"],
  };
}

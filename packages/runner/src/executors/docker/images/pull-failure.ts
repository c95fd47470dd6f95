import { ExecutorError, type ExecutorFailureReason } from "../../executor.ts";

/** Words of errors that come of the network, in lower case. */
const networkWords = [
  "dial tcp",
  "connection refused",
  "no such host",
  "i/o timeout",
  "tls handshake",
  "client.timeout exceeded",
  "request canceled",
  "connection reset",
];

/** Words of errors that a wrong name or a missing login causes, in lower case. */
const configurationWords = [
  "not found",
  "no such image",
  "manifest unknown",
  "does not exist",
  "access denied",
  "denied:",
  "unauthorized",
  "no basic auth credentials",
  "invalid reference format",
];

/** Why an image could not be had, by the words of the error. Rule: runner-protocol.md §4.5. */
function pullFailureReason(message: string): ExecutorFailureReason {
  const text = message.toLowerCase();
  if (networkWords.some((word) => text.includes(word))) return "runner_external_dependency_failure";
  if (configurationWords.some((word) => text.includes(word))) return "runner_configuration_error";
  return "image_pull_failure";
}

/** Whether trying again may help: what a wrong name or login causes stays. */
export function isTransient(message: string): boolean {
  return pullFailureReason(message) !== "runner_configuration_error";
}

/** An image that no allowed policy yielded. */
export function pullFailure(reference: string, policies: readonly string[], message: string, cause: unknown) {
  return new ExecutorError(
    `failed to pull image "${reference}" with specified policies [${policies.join(" ")}]: ${message}`,
    { reason: pullFailureReason(message), cause },
  );
}

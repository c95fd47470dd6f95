import type { ContainerJob } from "../../container-job.ts";
import { ExecutorError } from "../../executor.ts";
import type { BuildContainer } from "./build-container.ts";
import type { HelperContainer } from "./helper-container.ts";

/**
 * Makes the user of the build image the owner of the project's files, which the helper has written as root.
 *
 * @throws {ExecutorError} when that user cannot be found out, or the files not be given.
 *
 * Rule: runner-protocol.md §4.3, "Umask / ownership": `FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR`.
 */
export async function giveFiles(
  { build, helper }: { readonly build: BuildContainer; readonly helper: HelperContainer },
  { project, temporary }: ContainerJob["directories"],
  signal: AbortSignal,
): Promise<void> {
  let said = "";
  const onStdout = (chunk: Uint8Array) => {
    said += Buffer.from(chunk).toString();
  };
  const ids = { stageName: "ownership", text: "id -u\nid -g\n", onStdout, onStderr: onStdout };
  await build.run(ids, signal);
  signal.throwIfAborted();
  const [user = "", group = ""] = said.trim().split("\n");
  if (!/^\d+$/.test(user) || !/^\d+$/.test(group)) {
    throw new ExecutorError(`cannot find out the user of the build image: ${said.trim()}`);
  }
  if (user === "0") return;
  said = "";
  const paths = [project, temporary].map((path) => `'${path.replaceAll("'", "'\\''")}'`);
  // Beside the project that user may make nothing.
  const text = `mkdir -p ${paths.join(" ")} && chown -RP ${user}:${group} ${paths.join(" ")}\n`;
  const outcome = await helper.run({ text, onStdout, onStderr: onStdout }, signal);
  signal.throwIfAborted();
  if (outcome.kind !== "exited" || outcome.exitCode !== 0) {
    throw new ExecutorError(`cannot give the project's files to user ${user}: ${said.trim()}`);
  }
}

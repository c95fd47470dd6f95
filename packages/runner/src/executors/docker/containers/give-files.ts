import type { ContainerJob } from "../../container-job.ts";
import { ExecutorError } from "../../executor.ts";
import type { BuildContainer } from "./build-container.ts";
import type { HelperContainer } from "./helper-container.ts";

/** Prints numbers of user and group, a line each. */
export const idsScript = "id -u\nid -g\n";

/** Runs {@link idsScript} as the user of the build image. @returns what it said. */
export type AskIds = (signal: AbortSignal) => Promise<string>;

/** Asks with a script, as the job runs its own. */
export function askByScript(build: BuildContainer): AskIds {
  return async (signal) => {
    const { said, onStdout } = collector();
    await build.run({ stageName: "ownership", text: idsScript, onStdout, onStderr: onStdout }, signal);
    signal.throwIfAborted();
    return said();
  };
}

/**
 * Makes the user of the build image the owner of the project's files, which the helper has written as root.
 *
 * @throws {ExecutorError} when that user cannot be found out, or the files not be given.
 *
 * Rule: runner-protocol.md §4.3, "Umask / ownership": `FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR`.
 */
export async function giveFiles(
  { askIds, helper }: { readonly askIds: AskIds; readonly helper: HelperContainer },
  { project, temporary }: ContainerJob["directories"],
  signal: AbortSignal,
): Promise<void> {
  const ids = (await askIds(signal)).trim();
  const [user = "", group = ""] = ids.split("\n");
  if (!/^\d+$/.test(user) || !/^\d+$/.test(group)) {
    throw new ExecutorError(`cannot find out the user of the build image: ${ids}`);
  }
  if (user === "0") return;
  const { said, onStdout } = collector();
  const paths = [project, temporary].map((path) => `'${path.replaceAll("'", "'\\''")}'`);
  // Beside the project that user may make nothing.
  const text = `mkdir -p ${paths.join(" ")} && chown -RP ${user}:${group} ${paths.join(" ")}\n`;
  const outcome = await helper.run({ text, onStdout, onStderr: onStdout }, signal);
  signal.throwIfAborted();
  if (outcome.kind !== "exited" || outcome.exitCode !== 0) {
    throw new ExecutorError(`cannot give the project's files to user ${user}: ${said().trim()}`);
  }
}

function collector() {
  let text = "";
  return {
    said: () => text,
    onStdout(chunk: Uint8Array) {
      text += Buffer.from(chunk).toString();
    },
  };
}

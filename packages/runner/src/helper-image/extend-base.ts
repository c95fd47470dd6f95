import path from "node:path";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import type Dockerode from "dockerode";
import { inspectImage } from "./engine-image.ts";
import { followProgress } from "./follow-progress.ts";
import { helperProgram, splitImageName, staticBusybox } from "./helper-image.ts";
import { HelperImageError } from "./helper-image-error.ts";
import { sendTar } from "./image-entry.ts";
import { configurationOf, type ImageRequest } from "./import-root.ts";

/**
 * Makes an image of another one, our program and, where they are missing, git and what belongs to it.
 *
 * @throws {HelperImageError} when the base cannot be got, or lacks something that it has no package manager for.
 */
export async function extendBase(docker: Dockerode, request: ImageRequest & { readonly base: string }): Promise<void> {
  const { name, base, entries, labels, log, signal } = request;
  if ((await inspectImage(docker, base, signal)) === undefined) {
    log.info("pulling the base image", { image: base });
    await pull(docker, base, signal);
  }
  const container = await docker.createContainer({
    Image: base,
    User: "0",
    WorkingDir: "/",
    // The base's own is taken away: it would also be that of the new image.
    Entrypoint: [""],
    Cmd: ["/bin/sh", "-c", setUpScript],
    abortSignal: signal,
  });
  try {
    await runToEnd(docker, container, signal);
    await sendTar(entries, (tar) => container.putArchive(tar, { path: "/", abortSignal: signal }));
    await runToEnd(docker, container, signal);
    const { repo, tag } = splitImageName(name);
    await container.commit({ repo, tag, changes: configurationOf(labels), abortSignal: signal });
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** Tells the second run from the first. */
const setUpMark = `${path.posix.dirname(staticBusybox)}/.set-up`;

/**
 * Runs twice: before our program is there, and then to see that it works. A base that has git is taken as it is: nothing
 * needs a network then.
 */
const setUpScript = `set -e
if [ -e ${setUpMark} ]; then
  rm ${setUpMark}
  exec ${helperProgram} --version
fi
if ! command -v git; then
  if command -v apk; then apk add --no-cache git git-lfs busybox-static ca-certificates
  elif command -v apt-get; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install --yes --no-install-recommends git git-lfs busybox-static ca-certificates
    rm -rf /var/lib/apt/lists/*
  elif command -v microdnf; then microdnf install -y git git-lfs ca-certificates
  elif command -v dnf; then dnf install -y git git-lfs ca-certificates
  elif command -v zypper; then zypper --non-interactive install git git-lfs ca-certificates
  else
    echo "the image has no git, and no package manager that we know" >&2
    exit 1
  fi
fi
mkdir -p ${path.posix.dirname(staticBusybox)}
for file in /bin/busybox.static /bin/busybox /usr/bin/busybox; do
  if [ ! -e ${staticBusybox} ] && [ -e $file ]; then cp $file ${staticBusybox}; fi
done
git config --system --replace-all safe.directory '*'
if git lfs version; then git lfs install --system --skip-repo; fi
touch ${setUpMark}
`;

async function runToEnd(docker: Dockerode, container: Dockerode.Container, signal: AbortSignal): Promise<void> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true, abortSignal: signal });
  const output = new PassThrough();
  docker.modem.demuxStream(stream, output, output);
  const said = buffer(output);
  await container.start({ abortSignal: signal });
  const { StatusCode: exitCode } = (await container.wait({ abortSignal: signal })) as { StatusCode: number };
  await finished(stream).catch(() => undefined);
  output.end();
  if (exitCode === 0) return;
  const lines = (await said).toString().trim().split("\n").slice(-15);
  throw new HelperImageError(`setting up the helper image ended with ${exitCode}:\n${lines.join("\n")}`);
}

async function pull(docker: Dockerode, image: string, signal: AbortSignal): Promise<void> {
  try {
    await followProgress(docker, await docker.pull(image, { abortSignal: signal }));
  } catch (error) {
    signal.throwIfAborted();
    throw new HelperImageError(`cannot get the base image ${image}: ${wordsOf(error)}`, { cause: error });
  }
}

/** What the engine said, without what its client puts around it. */
function wordsOf(error: unknown): string {
  const { json, message } = error as { json?: { message?: unknown }; message?: unknown };
  return String(json?.message ?? message ?? error)
    .replace(/^\(HTTP code \d+\) [\w ]+ - /, "")
    .trim();
}

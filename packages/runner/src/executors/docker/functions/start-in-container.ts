import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { StartInContainer } from "@jobscope/functions";
import type Dockerode from "dockerode";
import { execInContainer } from "../containers/exec-in-container.ts";

/** Programs for functions, beside whatever runs in the container. */
export function startIn(container: Dockerode.Container): StartInContainer {
  return async ({ command, user }) => {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const exec = await execInContainer(container, {
      command,
      ...(user === undefined ? {} : { user }),
      onStdout: (chunk) => fill(stdout, chunk),
      onStderr: (chunk) => fill(stderr, chunk),
    });
    const close = () => {
      stdout.end();
      stderr.end();
    };
    const ended = exec.exited.then(
      (exitCode) => {
        close();
        return exitCode;
      },
      () => {
        close();
        return undefined;
      },
    );
    return {
      stdin: exec.stdin,
      stdout,
      stderr,
      ended,
      [Symbol.dispose]() {
        exec.detach();
        stdout.destroy();
        stderr.destroy();
      },
    };
  };
}

/** Holds the container back while nobody reads. */
async function fill(stream: PassThrough, chunk: Uint8Array): Promise<void> {
  if (stream.destroyed || stream.write(chunk)) return;
  await Promise.race([once(stream, "drain"), once(stream, "close")]);
}

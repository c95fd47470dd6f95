import type { Duplex, Writable } from "node:stream";
import type Dockerode from "dockerode";
import type { OutputSink } from "../../executor.ts";
import { demultiplex } from "./demultiplex.ts";

export interface ExecRequest {
  readonly command: readonly string[];
  /** Added to the container's. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: the container's. */
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly onStdout: OutputSink;
  readonly onStderr: OutputSink;
}

export interface RunningExec {
  readonly stdin: Writable;
  /** The exit code, once all output was delivered. @throws what the engine or a sink threw. */
  readonly exited: Promise<number>;
  /** Gives up its output and its input; the process is not ended by this. */
  detach(): void;
}

/** Starts a process in a running container. @throws the engine's error when it cannot. */
export async function execInContainer(container: Dockerode.Container, request: ExecRequest): Promise<RunningExec> {
  const exec = await container.exec({
    Cmd: [...request.command],
    Env: Object.entries(request.environment ?? {}).map(([name, value]) => `${name}=${value}`),
    ...(request.user === undefined ? {} : { User: request.user }),
    ...(request.workingDirectory === undefined ? {} : { WorkingDir: request.workingDirectory }),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
  });
  const stream: Duplex = await exec.start({ hijack: true, stdin: true });
  // A process that ends without having read all of its input is no fault.
  stream.on("error", () => undefined);
  return {
    stdin: stream,
    exited: exitCodeOf(exec, stream, request),
    detach: () => void stream.destroy(),
  };
}

async function exitCodeOf(exec: Dockerode.Exec, stream: Duplex, request: ExecRequest): Promise<number> {
  await demultiplex(stream, request.onStdout, request.onStderr);
  for (;;) {
    const { Running: isRunning, ExitCode: exitCode } = await exec.inspect();
    // The engine tells the end of output a moment before it knows the exit code.
    if (!isRunning && exitCode !== null) return exitCode;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

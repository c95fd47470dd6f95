import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { promisify } from "node:util";
import { busyboxFiles, connectToEngine, type ImageFile, importImage } from "../../../test/support/docker-engine.ts";
import { createContainerProcesses, type ProcessHost, type StartInContainer } from "../src/index.ts";

/** Where the volume with busybox is in every container. */
const ways = "/.jobscope";

/** Images, a volume and containers of one test file, all named alike; gone when disposed. */
export class DockerBench implements AsyncDisposable {
  readonly #name = `jobscope-functions-test-${randomBytes(6).toString("hex")}`;
  readonly #containers: string[] = [];
  readonly #images: string[] = [];

  static async create(): Promise<DockerBench> {
    const bench = new DockerBench();
    await bench.#import("busybox", busyboxFiles);
    // no shell, nothing: one static program that is somewhere else than busybox would be looked for
    await bench.#import("distroless", [{ path: "app/true", from: "/bin/busybox" }]);
    const copy = `cp /bin/busybox ${ways}/busybox && chmod 1777 ${ways}`;
    await docker(["run", "--rm", "-v", `${bench.#name}:${ways}`, bench.image("busybox"), "sh", "-c", copy]);
    return bench;
  }

  image(kind: "busybox" | "distroless"): string {
    return `${this.#name}:${kind}`;
  }

  async #import(kind: "busybox" | "distroless", files: readonly ImageFile[]): Promise<void> {
    this.#images.push(this.image(kind));
    await importImage(connectToEngine(), this.image(kind), files);
  }

  /** @param options arguments of `docker run` before the image. */
  async start(kind: "busybox" | "distroless", options: readonly string[] = []): Promise<TestContainer> {
    const keeper = [`${ways}/busybox`, "sleep", "100000"];
    const mount = ["-v", `${this.#name}:${ways}`];
    const id = await docker(["run", "-d", "--init=false", ...mount, ...options, this.image(kind), ...keeper]);
    this.#containers.push(id);
    return new TestContainer(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#containers.length > 0) await docker(["rm", "-f", ...this.#containers]);
    await docker(["volume", "rm", this.#name]);
    await docker(["rmi", ...this.#images]);
  }
}

export class TestContainer {
  readonly id: string;
  /** How often a program was started through the engine. */
  starts = 0;
  readonly #clients: ChildProcess[] = [];

  constructor(id: string) {
    this.id = id;
  }

  readonly start: StartInContainer = async ({ command, user }) => {
    this.starts++;
    const asUser = user === undefined ? [] : ["-u", user];
    const child = spawn("docker", ["exec", "-i", ...asUser, this.id, ...command], { stdio: "pipe" });
    this.#clients.push(child);
    const ended = once(child, "close").then(([code]) => code ?? undefined);
    const { stdin, stdout, stderr } = child;
    return { stdin, stdout, stderr, ended, [Symbol.dispose]: () => void child.kill() };
  };

  async processes(): Promise<ProcessHost> {
    const { start } = this;
    return await createContainerProcesses({ start, busybox: `${ways}/busybox`, directory: ways, graceMs: 300 });
  }

  /** Runs busybox in the container. @returns its standard output. */
  async busybox(...args: readonly string[]): Promise<string> {
    return await docker(["exec", this.id, `${ways}/busybox`, ...args]);
  }

  /** Breaks all connections to programs. */
  disconnect(): void {
    for (const client of this.#clients) client.kill("SIGKILL");
  }

  async kill(): Promise<void> {
    await docker(["kill", this.id]);
  }
}

async function docker(args: readonly string[]): Promise<string> {
  return (await promisify(execFile)("docker", args)).stdout.trim();
}

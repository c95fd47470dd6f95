import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { FunctionError } from "../function-error.ts";
import type { ContainerProcess, StartInContainer } from "./container-process.ts";
import { MarkScanner } from "./mark-scanner.ts";
import { preamble } from "./shell-text.ts";

/** What the shell answered to one request. */
export interface Reply {
  readonly status: number;
  /** Values of the lines `@name value`. */
  readonly values: ReadonlyMap<string, string>;
  /** All other lines: data, or complaints of the shell. */
  readonly lines: readonly string[];
}

interface PendingRequest {
  readonly values: Map<string, string>;
  readonly lines: string[];
  readonly onValue: ((name: string, value: string) => void) | undefined;
  readonly settle: PromiseWithResolvers<Reply>;
}

type Receiver = (chunk: Uint8Array) => void | Promise<void>;

/**
 * One shell in the job's container that does everything for its functions, so that a step costs a process start and not
 * a start through the container engine. It reads requests, shell text, from its standard input; commands write to its
 * standard output, and it answers on its standard error.
 *
 * Requests are answered in their order; others may be sent before the answer is there.
 */
export class ContainerShell implements Disposable {
  readonly #process: ContainerProcess;
  readonly #pending: PendingRequest[] = [];
  #gone: FunctionError | undefined;
  #receive: Receiver = () => {};
  #receiverFailure: unknown;
  #delivered: Promise<void> = Promise.resolve();
  #marked: (() => void) | undefined;

  private constructor(process: ContainerProcess, mark: Uint8Array) {
    this.#process = process;
    const scanner = new MarkScanner(mark);
    process.stdout.on("data", (chunk: Uint8Array) => {
      for (const piece of scanner.push(chunk)) {
        if (piece === "mark") this.#marked?.();
        else this.#deliver(piece);
      }
    });
    createInterface({ input: process.stderr, crlfDelay: 0 }).on("line", (line) => this.#readLine(line));
    for (const stream of [process.stdin, process.stdout, process.stderr]) stream.on("error", () => {}); // it ends then
    void process.ended.then((exitCode) => this.#end(exitCode === undefined ? lost() : ended()));
  }

  static async start(start: StartInContainer, busybox: string): Promise<ContainerShell> {
    const token = randomBytes(16).toString("hex");
    const shell = new ContainerShell(await start({ command: [busybox, "sh"] }), Buffer.from(`\0${token}\0`));
    shell.#process.stdin.write(preamble(busybox, token));
    return shell;
  }

  /**
   * Sends shell text; its last status is the reply's.
   *
   * @param onValue told of each value as it comes. @throws {FunctionError} `command_failed` when the shell has ended, `host_lost`.
   */
  async request(text: string, onValue?: (name: string, value: string) => void): Promise<Reply> {
    if (this.#gone !== undefined) throw this.#gone;
    const settle = Promise.withResolvers<Reply>();
    this.#pending.push({ values: new Map(), lines: [], onValue, settle });
    this.#process.stdin.write(`${text}\nreply end $?\n`);
    return await settle.promise;
  }

  /**
   * Sends shell text that runs a command and prints the mark in the end, `\0` on both sides of `$M`.
   *
   * @param output gets what commands write; its promise holds them back.
   * @returns when all that came before the mark was handed over, and the reply is there.
   * @throws what `output` threw.
   */
  async requestCommand(text: string, output: Receiver, onValue: (name: string, value: string) => void): Promise<Reply> {
    this.#receive = output;
    this.#receiverFailure = undefined;
    const marked = Promise.withResolvers<void>();
    this.#marked = marked.resolve;
    const reply = await this.request(text, onValue);
    await Promise.race([marked.promise, this.#process.ended]);
    await this.#delivered;
    const failure = this.#receiverFailure;
    if (failure !== undefined) throw failure;
    return reply;
  }

  #deliver(chunk: Uint8Array): void {
    const { stdout } = this.#process;
    const delivering = this.#callReceiver(chunk);
    if (delivering === undefined) return;
    stdout.pause();
    const earlier = this.#delivered;
    this.#delivered = Promise.all([earlier, delivering]).then(() => {});
    void this.#delivered.then(() => stdout.resume());
  }

  /** @returns a promise that never rejects; undefined when there is nothing to wait for. */
  #callReceiver(chunk: Uint8Array): Promise<void> | undefined {
    const fail = (error: unknown) => {
      this.#receiverFailure ??= error;
    };
    try {
      return this.#receive(chunk)?.catch(fail);
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  #readLine(line: string): void {
    const [request] = this.#pending;
    if (request === undefined) return;
    const [, name, value = ""] = /^@(\w+)(?: (.*))?$/.exec(line) ?? [];
    if (name === undefined) {
      request.lines.push(line);
    } else if (name === "end") {
      this.#pending.shift();
      request.settle.resolve({ status: Number(value), values: request.values, lines: request.lines });
    } else {
      request.values.set(name, value);
      request.onValue?.(name, value);
    }
  }

  #end(why: FunctionError): void {
    this.#gone ??= why;
    for (const { settle } of this.#pending.splice(0)) settle.reject(this.#gone);
  }

  [Symbol.dispose](): void {
    this.#end(lost());
    this.#process[Symbol.dispose]();
  }
}

/** Whoever may end processes of the container, such as a step, may have done it. */
function ended(): FunctionError {
  return new FunctionError("the job's container has ended, or the shell for functions in it", {
    code: "command_failed",
    exitCode: -1,
  });
}

function lost(): FunctionError {
  return new FunctionError("the connection to the job's container was lost", { code: "host_lost" });
}

/** Names one stream of the job log. Rule: runner-protocol.md §2.4.4. */
export interface StreamName {
  /** 0: messages of the runner and the executor, 1: job stages, 15: service containers. */
  readonly id: number;
  readonly type: "stdout" | "stderr";
}

/** Unix time in microseconds. */
export type NowMicros = () => number;

/** Text without a line end is kept back up to this size, header included, then passed on with a line end of ours. */
const maxPendingBytes = 8 * 1024;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const lineEnd = Buffer.from("\n");

/**
 * Puts a 32-byte header before each physical line of one stream.
 *
 * A write with a carriage return but no line feed after it (a progress bar, a section marker) is passed on at once with
 * a line end of ours, and the next line of this stream says with `+` that it continues it. So does what follows text
 * that grew beyond 8 KiB. Drop the line feed before a `+` line, and the text is as it was.
 *
 * Rule: runner-protocol.md §2.4.4.
 */
export class LineTimestamper {
  readonly #now: NowMicros;
  readonly #suffix: string;
  /** Header and text of a line whose end has not come. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #continuesLine = false;
  #second = -1;
  #secondText = "";

  constructor(name: StreamName, now: NowMicros) {
    this.#now = now;
    this.#suffix = `Z ${name.id.toString(16).padStart(2, "0")}${name.type === "stdout" ? "O" : "E"}`;
  }

  /** Takes the next bytes and gives what can be stored. */
  write(bytes: Uint8Array): Uint8Array {
    const output: Uint8Array[] = [];
    const rest = this.#takeLines(bytes, output);
    if (rest.length === 0) return joined(output);
    if (rest.includes(carriageReturn)) this.#passOn(rest, output);
    else if (rest.length + this.#pendingBytes > maxPendingBytes) this.#passOn(rest, output);
    else this.#keepBack(rest);
    return joined(output);
  }

  /** The end of the stream: what was kept back, as a line. */
  end(): Uint8Array {
    if (this.#pendingBytes === 0) return new Uint8Array(0);
    const output = [...this.#takePending(), lineEnd];
    return joined(output);
  }

  /** @returns what comes after the last line feed. */
  #takeLines(bytes: Uint8Array, output: Uint8Array[]): Uint8Array {
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
      if (this.#pendingBytes > 0) output.push(...this.#takePending());
      else output.push(this.#header());
      output.push(bytes.subarray(start, end + 1));
      start = end + 1;
    }
    return bytes.subarray(start);
  }

  #passOn(bytes: Uint8Array, output: Uint8Array[]): void {
    if (this.#pendingBytes > 0) output.push(...this.#takePending());
    else output.push(this.#header());
    output.push(bytes, lineEnd);
    this.#continuesLine = true;
  }

  #keepBack(bytes: Uint8Array): void {
    const kept = this.#pendingBytes === 0 ? [this.#header(), Uint8Array.from(bytes)] : [Uint8Array.from(bytes)];
    this.#pending.push(...kept);
    for (const part of kept) this.#pendingBytes += part.length;
  }

  #takePending(): Uint8Array[] {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    return pending;
  }

  #header(): Uint8Array {
    const micros = Math.floor(this.#now());
    const second = Math.floor(micros / 1_000_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1000).toISOString().slice(0, 20);
    }
    const fraction = (micros - second * 1_000_000).toString().padStart(6, "0");
    const flag = this.#continuesLine ? "+" : " ";
    this.#continuesLine = false;
    return Buffer.from(`${this.#secondText}${fraction}${this.#suffix}${flag}`, "latin1");
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

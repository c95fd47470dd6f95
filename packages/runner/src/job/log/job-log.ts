import { createLogMasker, type LogMasker, type MaskRules } from "@jobscope/labkit";
import { ansi } from "../../shell/ansi.ts";
import type { JobLogBuffer } from "./job-log-buffer.ts";
import { LineTimestamper, type NowMicros, type StreamName } from "./line-timestamper.ts";
import { Utf8Repair } from "./utf8-repair.ts";

/**
 * Writes the job log. Each stream passes its own chain: masking → UTF-8 repair → timestamps; then all meet in the buffer.
 *
 * Rule: runner-protocol.md §2.4, §2.9.
 */
export interface JobLog {
  /** Opens the stream of the runner's own messages. */
  openLines(): JobLogLines;
  /** Opens a stream of a job stage. */
  openStream(type: StreamName["type"]): JobLogStream;
  /** Opens a stream for what a service of the job prints. */
  openServiceStream(): JobLogStream;
  /** Opens a stream for blocks of text among the runner's own messages. */
  openRunnerStream(): JobLogStream;
  /** Secrets learnt while the job runs. Streams that are opened from now on mask them too; open ones do not. */
  addSecrets(phrases: readonly string[]): void;
}

/** One stream of bytes into the job log. */
export interface JobLogStream {
  /** Takes the next bytes. Resolves, or returns, when more may come. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Passes on what was held back. The stream may be written to again. */
  end(): void;
}

/** The runner's own messages. Rule: runner-protocol.md §2.4.1. */
export interface JobLogLines {
  plain(text: string): void;
  info(text: string): void;
  warning(text: string): void;
  error(text: string): void;
  /** Opens a section with its heading; the marker is left out when the coordinator does not accept sections. */
  startSection(name: string, heading: string): void;
  endSection(name: string): void;
  end(): void;
}

export interface JobLogOptions {
  readonly buffer: JobLogBuffer;
  readonly maskRules: MaskRules;
  /** `FF_TIMESTAMPS`; default true in GitLab's runner. */
  readonly hasTimestamps: boolean;
  /** `Job.acceptsLogSections` */
  readonly hasSections: boolean;
  readonly now: NowMicros;
  /** Sees the bytes of job stages, masked, before timestamps: for the sections that the job opens itself. */
  readonly onStageOutput?: (bytes: Uint8Array) => void;
}

export function createJobLog(options: JobLogOptions): JobLog {
  let maskRules = options.maskRules;
  return {
    openLines: () => openLines(openStream(options, maskRules, { id: 0, type: "stdout" }), options),
    openStream: (type) => openStream(options, maskRules, { id: 1, type }),
    openServiceStream: () => openStream(options, maskRules, { id: 15, type: "stdout" }),
    openRunnerStream: () => openStream(options, maskRules, { id: 0, type: "stderr" }),
    addSecrets(phrases) {
      maskRules = { ...maskRules, phrases: [...maskRules.phrases, ...phrases] };
    },
  };
}

function openStream(options: JobLogOptions, maskRules: MaskRules, name: StreamName): JobLogStream {
  const { buffer, hasTimestamps } = options;
  const masker: LogMasker = createLogMasker(maskRules);
  const repair = new Utf8Repair();
  const timestamper = hasTimestamps ? new LineTimestamper(name, options.now) : undefined;
  const observe = name.id === 1 ? options.onStageOutput : undefined;

  function pass(masked: Uint8Array): void {
    const whole = repair.write(masked);
    observe?.(whole);
    buffer.append(timestamper === undefined ? whole : timestamper.write(whole));
  }

  return {
    write(chunk) {
      pass(masker.write(chunk));
      return buffer.drained();
    },
    end() {
      pass(masker.end());
      const rest = repair.end();
      if (timestamper === undefined) buffer.append(rest);
      else {
        buffer.append(timestamper.write(rest));
        buffer.append(timestamper.end());
      }
    },
  };
}

function openLines(stream: JobLogStream, options: JobLogOptions): JobLogLines {
  const write = (text: string) => void stream.write(Buffer.from(text));
  const line = (prefix: string, text: string) => write(`${prefix}${text}${ansi.reset}\n`);
  const marker = (kind: "section_start" | "section_end", name: string) => {
    if (!options.hasSections) return;
    write(`${kind}:${Math.floor(options.now() / 1_000_000)}:${name}\r${ansi.clearLine}`);
  };
  const plain = (text: string) => line(ansi.clearLine, text);
  return {
    plain,
    info: (text) => line(ansi.boldGreen, text),
    warning: (text) => line(`${ansi.yellow}WARNING: `, text),
    error: (text) => line(`${ansi.boldRed}ERROR: `, text),
    startSection(name, heading) {
      marker("section_start", name);
      plain(`${ansi.boldCyan}${heading}${ansi.reset}`);
    },
    endSection: (name) => marker("section_end", name),
    end: () => stream.end(),
  };
}

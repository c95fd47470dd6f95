import { type DestinationStream, destination, type Logger, pino } from "pino";
import { createMasker, type Masker } from "../masking/masker.ts";
import type { Log, LogFields, LogLevel } from "./log.ts";
import { plainFields } from "./plain-fields.ts";
import { formatTextLine } from "./text-format.ts";

export interface LogOptions {
  /** Lines below it are not written. Default `info`. */
  readonly level?: LogLevel;
  /** `text`: one compact line for people. `json`: one object a line, for machines. Default `text`. */
  readonly format?: "text" | "json";
  /** Default: a masker that knows no phrases, only what is secret by its form. */
  readonly masker?: Masker;
  /** Fields of every line. Default: none. */
  readonly fields?: LogFields;
  /** Takes one line with its line feed. Default: written to stderr at once, so that nothing is lost when we crash. */
  readonly write?: (line: string) => void;
  /** Colours for levels, `text` only. Default false; whoever knows the terminal decides. */
  readonly colors?: boolean;
}

/** The log of a process. Secrets are masked here, in messages and fields, whoever writes them. */
export function createLog(options: LogOptions = {}): Log {
  const masker = options.masker ?? createMasker({ phrases: [] });
  const mask = (text: string) => masker.mask(text);
  const logger = pino(
    {
      level: options.level ?? "info",
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    createDestination(options),
  );
  return wrap(options.fields === undefined ? logger : logger.child(plainFields(options.fields, mask)), mask);
}

function createDestination(options: LogOptions): DestinationStream {
  const write = options.write ?? writeToStderr();
  if (options.format === "json") return { write };
  return { write: (line) => write(formatTextLine(line, { colors: options.colors ?? false })) };
}

function writeToStderr(): (line: string) => void {
  const stderr = destination({ fd: 2, sync: true });
  return (line) => stderr.write(line);
}

function wrap(logger: Logger, mask: (text: string) => string): Log {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (!logger.isLevelEnabled(level)) return;
    if (fields === undefined) logger[level](mask(message));
    else logger[level](plainFields(fields, mask), mask(message));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => wrap(logger.child(plainFields(fields, mask)), mask),
  };
}

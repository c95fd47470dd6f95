import { type DestinationStream, destination, type Logger, pino } from "pino";
import { createMasker, type Masker } from "../masking/masker.ts";
import type { Log, LogFields, LogLevel } from "./log.ts";
import { plainFields } from "./plain-fields.ts";
import { formatTextLine } from "./text-format.ts";

export interface LogOptions {
  /** Lines below it are not written; asked for each line when it is a function. Default `info`. */
  readonly level?: LogLevel | (() => LogLevel);
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
      level: "debug",
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    createDestination(options),
  );
  const { level = "info", fields } = options;
  const isEnabled = (asked: LogLevel) => ranks[asked] >= ranks[typeof level === "function" ? level() : level];
  return wrap(fields === undefined ? logger : logger.child(plainFields(fields, mask)), { mask, isEnabled });
}

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

function createDestination(options: LogOptions): DestinationStream {
  const write = options.write ?? writeToStderr();
  if (options.format === "json") return { write };
  return { write: (line) => write(formatTextLine(line, { colors: options.colors ?? false })) };
}

function writeToStderr(): (line: string) => void {
  const stderr = destination({ fd: 2, sync: true });
  return (line) => stderr.write(line);
}

interface Rules {
  readonly mask: (text: string) => string;
  readonly isEnabled: (level: LogLevel) => boolean;
}

function wrap(logger: Logger, rules: Rules): Log {
  const { mask, isEnabled } = rules;
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (!isEnabled(level)) return;
    if (fields === undefined) logger[level](mask(message));
    else logger[level](plainFields(fields, mask), mask(message));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => wrap(logger.child(plainFields(fields, mask)), rules),
  };
}

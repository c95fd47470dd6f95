import type { Masker } from "../masking/masker.ts";
import type { Log, LogFields, LogLevel } from "./log.ts";
import { plainFields } from "./plain-fields.ts";

/**
 * The same log for somebody who has secrets of his own, a job say: its masker sees every message and field before the
 * log's own does. Phrases that the masker is given later are masked from then on.
 */
export function createMaskedLog(log: Log, masker: Masker): Log {
  const mask = (text: string) => masker.mask(text);
  const at = (level: LogLevel) => (message: string, fields?: LogFields) =>
    fields === undefined ? log[level](mask(message)) : log[level](mask(message), plainFields(fields, mask));
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => createMaskedLog(log.child(plainFields(fields, mask)), masker),
  };
}

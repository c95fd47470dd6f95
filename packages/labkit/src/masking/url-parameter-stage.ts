import { joinKept, type MaskStage, nothingKept } from "./mask-stage.ts";
import { secretUrlParameters } from "./rules.ts";

const questionMark = 0x3f;
const ampersand = 0x26;
const equalsSign = 0x3d;
const longestName = Math.max(...secretUrlParameters.map((name) => name.length));
const secretNames = new Set(secretUrlParameters);

/**
 * Replaces the values of secret URL parameters, empty ones too. Rule: runner-protocol.md §2.9, "URL parameters".
 *
 * A value ends at `?`, `&` and at ASCII whitespace and control characters. GitLab's runner also ends it at Unicode's, which
 * makes its result depend on where a character is cut; we go on masking there.
 */
export function createUrlParameterStage(next: MaskStage): MaskStage {
  let kept = nothingKept;
  let insideValue = false;

  function flush(): void {
    if (kept.length > 0) next.bytes(kept);
    kept = nothingKept;
  }

  function endValue(): void {
    if (insideValue) next.masked();
    insideValue = false;
  }

  return {
    bytes(chunk) {
      const bytes = joinKept(kept, chunk);
      kept = nothingKept;
      let from = 0;
      let at = 0;
      const nextSeparator = separatorFinder(bytes);
      while (at < bytes.length) {
        if (insideValue) {
          at = endOfValue(bytes, at);
          from = at;
          if (at === bytes.length) return;
          endValue();
        }
        const separator = nextSeparator(at);
        if (separator === -1) break;
        const name = readName(bytes, separator + 1);
        if (name.kind === "undecided") {
          if (separator > from) next.bytes(bytes.subarray(from, separator));
          kept = Buffer.from(bytes.subarray(separator));
          return;
        }
        at = name.kind === "secret" ? name.valueAt : separator + 1;
        if (name.kind === "secret") {
          next.bytes(bytes.subarray(from, at));
          from = at;
          insideValue = true;
        }
      }
      if (from < bytes.length) next.bytes(bytes.subarray(from));
    },
    masked() {
      // A secret inside a secret value is part of what is replaced.
      if (insideValue) return;
      flush();
      next.masked();
    },
    end() {
      flush();
      endValue();
      next.end();
    },
  };
}

/** Finds the next `?` or `&`, asking for each only when the last answer was passed. */
function separatorFinder(bytes: Buffer): (from: number) => number {
  let question = -2;
  let and = -2;
  const find = (byte: number, last: number, from: number) =>
    last === -1 || last >= from ? last : bytes.indexOf(byte, from);
  return (from) => {
    question = find(questionMark, question, from);
    and = find(ampersand, and, from);
    if (question === -1) return and;
    return and === -1 ? question : Math.min(question, and);
  };
}

type ParameterName = { kind: "secret"; valueAt: number } | { kind: "other" } | { kind: "undecided" };

/** Reads the parameter name at `from`: undecided while the bytes end before it does and it could still be a secret one. */
function readName(bytes: Buffer, from: number): ParameterName {
  const end = Math.min(bytes.length, from + longestName + 1);
  for (let at = from; at < end; at++) {
    const byte = bytes.readUInt8(at);
    if (byte === equalsSign) {
      const isSecret = secretNames.has(bytes.toString("latin1", from, at).toLowerCase());
      return isSecret ? { kind: "secret", valueAt: at + 1 } : { kind: "other" };
    }
    if (byte === questionMark || byte === ampersand) return { kind: "other" };
  }
  if (end === from + longestName + 1) return { kind: "other" };
  const begun = bytes.toString("latin1", from, end).toLowerCase();
  return secretUrlParameters.some((name) => name.startsWith(begun)) ? { kind: "undecided" } : { kind: "other" };
}

function endOfValue(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes.readUInt8(at);
    if (byte <= 0x20 || byte === 0x7f || byte === questionMark || byte === ampersand) return at;
  }
  return bytes.length;
}

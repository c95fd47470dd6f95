import { joinKept, type MaskStage, nothingKept } from "./mask-stage.ts";

/**
 * Replaces every occurrence of one phrase, byte by byte the same. Rule: runner-protocol.md §2.9, "phrases".
 *
 * At the end of a chunk it keeps the longest end that is a beginning of the phrase; a match that began before would make
 * that end longer, so nothing else can still become one.
 */
export function createPhraseStage(phrase: Buffer, next: MaskStage): MaskStage {
  let kept = nothingKept;

  function flush(): void {
    if (kept.length > 0) next.bytes(kept);
    kept = nothingKept;
  }

  return {
    bytes(chunk) {
      const bytes = joinKept(kept, chunk);
      let from = 0;
      for (let at = bytes.indexOf(phrase, from); at !== -1; at = bytes.indexOf(phrase, from)) {
        if (at > from) next.bytes(bytes.subarray(from, at));
        next.masked();
        from = at + phrase.length;
      }
      const keepFrom = startOfPartialMatch(bytes, from, phrase);
      if (keepFrom > from) next.bytes(bytes.subarray(from, keepFrom));
      // A copy: the chunk belongs to the caller, who may use its memory again.
      kept = keepFrom === bytes.length ? nothingKept : Buffer.from(bytes.subarray(keepFrom));
    },
    masked() {
      flush();
      next.masked();
    },
    end() {
      flush();
      next.end();
    },
  };
}

/** Where the longest end of `bytes` begins that is a proper beginning of `phrase`; `bytes.length` when none does. */
function startOfPartialMatch(bytes: Buffer, from: number, phrase: Buffer): number {
  const first = phrase.readUInt8(0);
  let at = bytes.indexOf(first, Math.max(from, bytes.length - phrase.length + 1));
  while (at !== -1) {
    if (bytes.compare(phrase, 0, bytes.length - at, at) === 0) return at;
    at = bytes.indexOf(first, at + 1);
  }
  return bytes.length;
}

import { joinKept, type MaskStage, nothingKept } from "./mask-stage.ts";

/** `[0-9A-Za-z_.=-]`: what a token may consist of. Source: runner-protocol.md §2.9, "token prefixes". */
const isTokenByte: readonly boolean[] = Array.from({ length: 256 }, (_, byte) =>
  /[0-9A-Za-z_.=-]/.test(String.fromCharCode(byte)),
);

/**
 * Keeps a token's prefix and replaces what follows. Rule: runner-protocol.md §2.9, "token prefixes".
 *
 * One pass for all prefixes, the leftmost match first and of two at the same place the shorter, which hides more. GitLab's
 * runner makes one pass per prefix and so may print `[MASKED]` twice for a token inside a token; we print it once.
 */
export function createTokenPrefixStage(prefixes: readonly string[], next: MaskStage): MaskStage {
  const search = createPrefixSearch(prefixes.map((prefix) => Buffer.from(prefix)));
  let kept = nothingKept;
  let insideToken = false;

  function scan(bytes: Buffer, isFinal: boolean): void {
    let from = 0;
    for (;;) {
      if (insideToken) {
        from = endOfToken(bytes, from);
        if (from === bytes.length) return;
        endToken();
      }
      const undecidedFrom = isFinal ? bytes.length : search.startOfUndecided(bytes, from);
      const tokenFrom = search.nextToken(bytes, from, undecidedFrom);
      if (tokenFrom === -1) {
        if (undecidedFrom > from) next.bytes(bytes.subarray(from, undecidedFrom));
        // A copy: the chunk belongs to the caller, who may use its memory again.
        if (undecidedFrom < bytes.length) kept = Buffer.from(bytes.subarray(undecidedFrom));
        return;
      }
      next.bytes(bytes.subarray(from, tokenFrom));
      insideToken = true;
      from = tokenFrom;
    }
  }

  /** Passes on what is kept; says whether it ended with a whole prefix. */
  function scanKept(): boolean {
    const bytes = kept;
    kept = nothingKept;
    if (bytes.length > 0) scan(bytes, true);
    return search.endsWithPrefix(bytes);
  }

  function endToken(): void {
    if (insideToken) next.masked();
    insideToken = false;
  }

  return {
    bytes(chunk) {
      const bytes = joinKept(kept, chunk);
      kept = nothingKept;
      scan(bytes, false);
    },
    masked() {
      // A secret right after a prefix, or inside a token, is part of the token.
      if (scanKept()) insideToken = true;
      if (!insideToken) next.masked();
    },
    end() {
      scanKept();
      endToken();
      next.end();
    },
  };
}

function endOfToken(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && isTokenByte[bytes[at] ?? 0]) at++;
  return at;
}

interface PrefixSearch {
  /** Where the first token begins whose prefix begins in `[from, before)`; -1 when none does. */
  nextToken(bytes: Buffer, from: number, before: number): number;
  /** Where the longest end of `bytes` begins that is a prefix or the beginning of one; `bytes.length` when none does. */
  startOfUndecided(bytes: Buffer, from: number): number;
  endsWithPrefix(bytes: Buffer): boolean;
}

/**
 * Prefixes with the same first byte share one search for their common beginning: `gl` for most of GitLab's, so that two
 * passes of `indexOf` serve them all.
 */
function createPrefixSearch(prefixes: readonly Buffer[]): PrefixSearch {
  const shortestFirst = prefixes.toSorted((a, b) => a.length - b.length);
  const needles = [...Map.groupBy(prefixes, (prefix) => prefix.readUInt8(0)).values()].map(commonBeginning);
  const longest = shortestFirst.at(-1)?.length ?? 0;

  function tokenAfterPrefixAt(bytes: Buffer, at: number): number {
    const prefix = shortestFirst.find(
      (candidate) => startsWithAt(bytes, at, candidate) && isTokenByte[bytes[at + candidate.length] ?? 0],
    );
    return prefix === undefined ? -1 : at + prefix.length;
  }

  return {
    nextToken(bytes, from, before) {
      const places = needles.map((needle) => bytes.indexOf(needle, from));
      for (;;) {
        const first = places.reduce((least, place) => (place !== -1 && place < least ? place : least), before);
        if (first === before) return -1;
        const token = tokenAfterPrefixAt(bytes, first);
        if (token !== -1) return token;
        for (const [index, needle] of needles.entries()) {
          if (places[index] === first) places[index] = bytes.indexOf(needle, first + 1);
        }
      }
    },
    startOfUndecided(bytes, from) {
      for (let at = Math.max(from, bytes.length - longest); at < bytes.length; at++) {
        const rest = bytes.length - at;
        const isBeginning = (prefix: Buffer) => prefix.length >= rest && bytes.compare(prefix, 0, rest, at) === 0;
        if (prefixes.some(isBeginning)) return at;
      }
      return bytes.length;
    },
    endsWithPrefix: (bytes) => prefixes.some((prefix) => startsWithAt(bytes, bytes.length - prefix.length, prefix)),
  };
}

/** A loop: for a handful of bytes that mostly differ early, `Buffer.compare` is ten times slower. */
function startsWithAt(bytes: Buffer, at: number, beginning: Buffer): boolean {
  if (at < 0 || at + beginning.length > bytes.length) return false;
  for (let index = 0; index < beginning.length; index++) {
    if (bytes[at + index] !== beginning[index]) return false;
  }
  return true;
}

function commonBeginning(prefixes: readonly Buffer[]): Buffer {
  const [first = nothingKept, ...others] = prefixes;
  let length = first.length;
  for (const other of others) {
    let same = 0;
    while (same < length && same < other.length && first[same] === other[same]) same++;
    length = same;
  }
  return first.subarray(0, length);
}

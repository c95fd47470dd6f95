/** A phrase as it looks inside base64 text, at one of the three places of a group that it can begin at. */
export interface Base64Form {
  /** The characters that the phrase alone decides. */
  readonly core: string;
  /** Whether the character before (after) the core also holds bits of the phrase. */
  readonly sharesFirst: boolean;
  readonly sharesLast: boolean;
}

/** A core of fewer characters would be found in text that has nothing to do with the phrase. */
const shortestCore = 4;

/**
 * The phrase inside base64 (RFC 4648 §4) and base64url (§5) text, wherever it begins.
 *
 * Base64 writes 3 bytes as 4 characters, so the same bytes look different at each of three offsets. Characters at the
 * rim also hold bits of the neighbours and are no part of the core.
 */
export function base64FormsOf(phrase: string): Base64Form[] {
  const bytes = Buffer.from(phrase);
  const forms = [0, 1, 2].flatMap((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    const firstOwn = Math.ceil((offset * 8) / 6);
    const endOfOwn = Math.floor((shifted.length * 8) / 6);
    const rim = { sharesFirst: offset !== 0, sharesLast: shifted.length % 3 !== 0 };
    const cores = [shifted.toString("base64"), shifted.toString("base64url")].map((text) =>
      text.slice(firstOwn, endOfOwn),
    );
    return [...new Set(cores)].map((core) => ({ core, ...rim }));
  });
  return forms.filter(({ core }) => core.length >= shortestCore);
}

/** Text with its percent-encoding undone, and where each of its UTF-16 units came from. */
export interface DecodedText {
  readonly text: string;
  /** `starts[i]` is where unit `i` begins in the encoded text; one more entry for the end. */
  readonly starts: readonly number[];
}

const percentRun = /(?:%[0-9a-fA-F]{2})+/g;

/**
 * Undoes percent-encoding (RFC 3986 §2.1) wherever it occurs, so that a phrase is found however much of it was encoded;
 * with `plusIsSpace` also that of forms. Bytes that are no UTF-8 stay as they are.
 *
 * @returns undefined when nothing was encoded.
 */
export function percentDecode(encoded: string, options: { plusIsSpace: boolean }): DecodedText | undefined {
  if (!encoded.includes("%") && !(options.plusIsSpace && encoded.includes("+"))) return undefined;
  const starts: number[] = [];
  let text = "";
  let from = 0;
  const copy = (end: number) => {
    for (let at = from; at < end; at++) starts.push(at);
    const literal = encoded.slice(from, end);
    text += options.plusIsSpace ? literal.replaceAll("+", " ") : literal;
    from = end;
  };
  for (const match of encoded.matchAll(percentRun)) {
    const decoded = decodeRun(match[0]);
    if (decoded === undefined) continue;
    copy(match.index);
    for (const character of decoded) {
      for (let unit = 0; unit < character.length; unit++) starts.push(from);
      from += Buffer.byteLength(character) * "%xx".length;
    }
    text += decoded;
  }
  copy(encoded.length);
  starts.push(encoded.length);
  return { text, starts };
}

function decodeRun(run: string): string | undefined {
  try {
    return decodeURIComponent(run);
  } catch {
    return undefined; // Not UTF-8: nothing that a phrase, which is text, could be inside of.
  }
}

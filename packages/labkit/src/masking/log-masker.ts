import type { MaskStage } from "./mask-stage.ts";
import { createPhraseStage } from "./phrase-stage.ts";
import { type MaskRules, maskText } from "./rules.ts";
import { phrasesInForce, tokenPrefixesInForce } from "./rules-in-force.ts";
import { createTokenPrefixStage } from "./token-prefix-stage.ts";
import { createUrlParameterStage } from "./url-parameter-stage.ts";

/**
 * Masks the byte stream of a job log. Independent of how the bytes are cut into chunks.
 *
 * Rule: runner-protocol.md §2.9: phrases, then URL parameters, then token prefixes, across chunk borders.
 */
export interface LogMasker {
  /**
   * Takes the next bytes and gives what is safe to pass on: a beginning of a secret is held back until it is decided.
   * The answer may share memory with `chunk`.
   */
  write(chunk: Uint8Array): Uint8Array;
  /** The end of the stream: gives what was held back. The masker is fresh afterwards. */
  end(): Uint8Array;
  /** How many secrets were replaced so far. */
  readonly maskedCount: number;
}

/** Makes the masker of one stream; a job's stdout and stderr need one each. The rules are fixed from here on. */
export function createLogMasker(rules: MaskRules): LogMasker {
  const output = createOutputStage();
  const urlParameters = createUrlParameterStage(createTokenPrefixStage(tokenPrefixesInForce(rules), output));
  // The longest phrase comes first, so the chain is put together from the shortest.
  const first = phrasesInForce(rules.phrases)
    .map((phrase) => Buffer.from(phrase))
    .reduceRight<MaskStage>((next, phrase) => createPhraseStage(phrase, next), urlParameters);

  return {
    write(chunk) {
      if (chunk.length > 0) first.bytes(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      return output.take();
    },
    end() {
      first.end();
      return output.take();
    },
    get maskedCount() {
      return output.maskedCount();
    },
  };
}

interface OutputStage extends MaskStage {
  /** What has come since the last call. */
  take(): Uint8Array;
  maskedCount(): number;
}

function createOutputStage(): OutputStage {
  const replacement = Buffer.from(maskText);
  let parts: Buffer[] = [];
  let count = 0;
  return {
    bytes(chunk) {
      parts.push(chunk);
    },
    masked() {
      parts.push(replacement);
      count++;
    },
    end() {},
    take() {
      const [only] = parts;
      const taken = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
      parts = [];
      return taken;
    },
    maskedCount: () => count,
  };
}

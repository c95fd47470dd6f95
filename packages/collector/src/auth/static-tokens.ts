import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { ConfigError } from "../config-error.ts";
import { bearerTokenOf } from "./bearer-token.ts";
import type { Renewable } from "./renewals.ts";

/** Tokens known by their hash alone. */
export interface StaticTokens {
  /** @returns what to call the token's holder, or undefined when the token is unknown. Takes as long for each token. */
  holderOf(token: string): string | undefined;
}

const minTokenLength = 16;

/** Tokens of a file, which can be read again. */
export interface TokenFile extends StaticTokens, Renewable {}

/** @throws {ConfigError} as `readStaticTokens`. */
export async function openTokenFile(key: string, path: string, what: string): Promise<TokenFile> {
  let tokens = await readStaticTokens(key, path);
  return {
    what,
    files: [path],
    holderOf: (token) => tokens.holderOf(token),
    async renew() {
      tokens = await readStaticTokens(key, path);
    },
  };
}

/**
 * Reads a file of tokens, one a line; blank lines and lines that begin with `#` are skipped.
 *
 * @param key the option that names the file, for the error.
 * @throws {ConfigError} when it cannot be read, holds none, or one that is too short or cannot be sent in a header.
 */
async function readStaticTokens(key: string, path: string): Promise<StaticTokens> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError([{ key, problem: `${path} cannot be read (${cause.code ?? cause.message})` }], { cause });
  });
  return staticTokens(tokensIn(text, (problem) => new ConfigError([{ key, problem: `${path}${problem}` }])));
}

/** Keeps the hashes of tokens. */
function staticTokens(tokens: readonly string[]): StaticTokens {
  const hashes = tokens.map(hashOf);
  return {
    holderOf(token) {
      const presented = hashOf(token);
      const matches = hashes.map((hash) => timingSafeEqual(hash, presented));
      return matches.includes(true) ? `token ${presented.toString("hex")}` : undefined;
    },
  };
}

function tokensIn(text: string, errorOf: (problem: string) => ConfigError): string[] {
  const tokens: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const token = line.trim();
    if (token === "" || token.startsWith("#")) continue;
    if (token.length < minTokenLength) {
      throw errorOf(
        `, line ${index + 1}: the token has ${token.length} characters; expected ${minTokenLength} or more`,
      );
    }
    if (bearerTokenOf(`Bearer ${token}`) === undefined) {
      throw errorOf(
        `, line ${index + 1}: expected one token of letters, digits and - . _ ~ + /, with = at its end only`,
      );
    }
    tokens.push(token);
  }
  if (tokens.length === 0) throw errorOf(" holds no token; expected one a line");
  return tokens;
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

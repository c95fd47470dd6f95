import { secretUrlParameters } from "./rules.ts";

/** A pattern whose first group is kept and whose rest is replaced. */
export interface SecretPattern {
  readonly pattern: RegExp;
  /** A cheap look whether the pattern can match at all, on the lower-cased text. */
  readonly mayMatch: (lowerCaseText: string) => boolean;
}

/** `https://user:password@host`, `https://token@host`: all of the user info. */
const urlCredentials: SecretPattern = {
  pattern: /(:\/\/)[^\s/?#"<>]+(?=@)/g,
  mayMatch: (text) => text.includes("://") && text.includes("@"),
};

/** `?private_token=abc`, `&X-Amz-Signature=abc`. Source: runner-protocol.md §2.9, "URL parameters". */
const urlParameters: SecretPattern = {
  pattern: new RegExp(`([?&](?:${secretUrlParameters.join("|")})=)[^?&\\s\\x00-\\x20\\x7f]*`, "gi"),
  mayMatch: (text) => text.includes("=") && (text.includes("?") || text.includes("&")),
};

/** `Authorization: Basic abc`, `PRIVATE-TOKEN: abc`, `"job-token":"abc"`. */
const headers: SecretPattern = {
  pattern:
    /((?:authorization|private-token|job-token|deploy-token|runner-token|x-api-key)["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token)\s+)?)[^\s"',;]+/gi,
  mayMatch: (text) => text.includes("authorization") || text.includes("-token") || text.includes("x-api-key"),
};

/** `Bearer abc` anywhere. */
const bearer: SecretPattern = {
  pattern: /(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}/gi,
  mayMatch: (text) => text.includes("bearer"),
};

/** `glpat-abc`: the prefix is kept. Source: runner-protocol.md §2.9, "token prefixes". */
export function tokenPrefixPattern(prefixes: readonly string[]): SecretPattern {
  const shortestFirst = prefixes.toSorted((a, b) => a.length - b.length).map((prefix) => escapeRegExp(prefix));
  const lowerCase = prefixes.map((prefix) => prefix.toLowerCase());
  return {
    pattern: new RegExp(`(${shortestFirst.join("|")})[0-9A-Za-z_.=-]+`, "g"),
    mayMatch: (text) => lowerCase.some((prefix) => text.includes(prefix)),
  };
}

/** What is secret by its form, without anybody having said so. In the order they are applied. */
export const fixedPatterns: readonly SecretPattern[] = [urlCredentials, urlParameters, headers, bearer];

/** Taken literally inside a regular expression. (`RegExp.escape` is not in the ES2024 library that we compile against.) */
function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

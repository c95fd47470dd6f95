/** What must not be seen: the input of both maskers. */
export interface MaskRules {
  /** Secret values. Surrounding whitespace is trimmed, empty ones and duplicates are ignored, the longest wins. */
  readonly phrases: readonly string[];
  /**
   * Beginnings of tokens, `glpat-` for example, beside `defaultTokenPrefixes`: the payload's `token_mask_prefixes`. Only
   * the first 15 of all, shortest first, are active, as in GitLab's runner (runner-protocol.md §2.9).
   */
  readonly tokenPrefixes?: readonly string[];
  /** `all` (default, `FF_MASK_ALL_DEFAULT_TOKENS` on) or only `glpat-`. */
  readonly defaultTokenPrefixes?: "all" | "glpat-only";
}

/** What stands in for a secret. */
export const maskText = "[MASKED]";

/** GitLab's token prefixes, in its runner's order. Source: runner-protocol.md §2.9. */
export const defaultTokenPrefixes: readonly string[] = [
  "glpat-",
  "gloas-",
  "gldt-",
  "glrt-",
  "glcbt-",
  "glrtr-",
  "glptt-",
  "glft-",
  "glimt-",
  "glagent-",
  "glsoat-",
  "glffct-",
  "_gitlab_session=",
  "gltok-",
];

/** Query parameters whose value is secret, compared without letter case. Source: runner-protocol.md §2.9. */
export const secretUrlParameters: readonly string[] = [
  "private_token",
  "authenticity_token",
  "rss_token",
  "x-amz-signature",
  "x-amz-credential",
  "x-amz-security-token",
];

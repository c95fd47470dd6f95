import { type CollectorAuth, ConfigError } from "@jobscope/collector";
import { CommandError } from "../command-error.ts";

/** The flags of `jobscope collector` that say who may send and who may ask. */
export interface CollectorAuthFlags {
  readonly authTokenFile?: string;
  readonly oidcIssuer?: readonly string[];
  readonly oidcAudience?: readonly string[];
  readonly oidcClaim?: readonly string[];
  readonly oidcClockTolerance: string;
  readonly jobTokensOf?: string;
  readonly maxRequestsPerSecond: string;
  readonly maxBytesPerSecond: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly apiTokenFile?: string;
  readonly dangerouslyAllowUnauthenticated?: boolean;
}

/** The collector's options of these flags. @throws {CommandError} when flags that belong together are not. */
export function collectorAuthOf(flags: CollectorAuthFlags): CollectorAuth {
  const { authTokenFile, apiTokenFile, oidcIssuer = [], oidcAudience = [], tlsCert, tlsKey, tlsClientCa } = flags;
  if (oidcIssuer.length !== oidcAudience.length) {
    const counts = `${oidcIssuer.length} and ${oidcAudience.length} were given`;
    throw new CommandError(`--oidc-issuer: each needs its own --oidc-audience; ${counts}`);
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new CommandError(
      `${tlsCert === undefined ? "--tls-key" : "--tls-cert"}: --tls-cert and --tls-key need each other`,
    );
  }
  if (tlsClientCa !== undefined && tlsCert === undefined) {
    throw new CommandError("--tls-client-ca: needs --tls-cert and --tls-key");
  }
  const claims = claimsOf(flags.oidcClaim ?? []);
  const clockToleranceSeconds = wholeNumber("--oidc-clock-tolerance", flags.oidcClockTolerance);
  return {
    ...(authTokenFile === undefined ? {} : { tokenFile: authTokenFile }),
    ...(apiTokenFile === undefined ? {} : { apiTokenFile }),
    oidc: oidcIssuer.map((issuer, index) => ({
      issuer,
      audience: oidcAudience[index] ?? "",
      claims,
      clockToleranceSeconds,
    })),
    ...(flags.jobTokensOf === undefined ? {} : { jobTokensOf: flags.jobTokensOf }),
    maxRequestsPerSecond: wholeNumber("--max-requests-per-second", flags.maxRequestsPerSecond),
    maxBytesPerSecond: wholeNumber("--max-bytes-per-second", flags.maxBytesPerSecond),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : { tls: { cert: tlsCert, key: tlsKey, ...(tlsClientCa === undefined ? {} : { clientCa: tlsClientCa }) } }),
    dangerouslyAllowUnauthenticated: flags.dangerouslyAllowUnauthenticated ?? false,
  };
}

/** `NAME=VALUE` texts; values of one name are alternatives. */
function claimsOf(texts: readonly string[]): Record<string, string[]> {
  const claims: Record<string, string[]> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 1) throw new CommandError(`--oidc-claim: expected NAME=VALUE, found "${text}"`);
    const name = text.slice(0, equals);
    claims[name] = [...(claims[name] ?? []), text.slice(equals + 1)];
  }
  return claims;
}

function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new CommandError(`${flag}: "${text}" is no whole number`);
}

/** Which flag each option is; a longer name stands before one that it begins with. */
const flagByOption = {
  "auth.tokenFile": "--auth-token-file",
  "auth.apiTokenFile": "--api-token-file",
  "auth.oidc": "--oidc-issuer",
  "auth.jobTokensOf": "--job-tokens-of",
  "auth.maxRequestsPerSecond": "--max-requests-per-second",
  "auth.maxBytesPerSecond": "--max-bytes-per-second",
  "auth.tls.clientCa": "--tls-client-ca",
  "auth.tls.cert": "--tls-cert",
  "auth.tls.key": "--tls-key",
  "auth.tls": "--tls-cert, --tls-key",
  "auth.dangerouslyAllowUnauthenticated": "--dangerously-allow-unauthenticated",
};

/** What the collector says of its options, said of our flags. Other errors stay as they are. */
export function inFlags(error: unknown): unknown {
  if (!(error instanceof ConfigError)) return error;
  const message = Object.entries(flagByOption).reduce(
    (text, [option, flag]) => text.replaceAll(option, flag),
    error.message,
  );
  return new CommandError(message, { cause: error });
}

import { type CollectorAuth, ConfigError } from "@jobscope/collector";
import { CommandError } from "../command-error.ts";

/** The flags of `jobscope collector` that say who may send and who may ask. */
export interface CollectorAuthFlags {
  readonly authTokenFile?: string;
  readonly oidcIssuer?: readonly string[];
  readonly oidcAudience?: readonly string[];
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
  return {
    ...(authTokenFile === undefined ? {} : { tokenFile: authTokenFile }),
    ...(apiTokenFile === undefined ? {} : { apiTokenFile }),
    oidc: oidcIssuer.map((issuer, index) => ({ issuer, audience: oidcAudience[index] ?? "" })),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : { tls: { cert: tlsCert, key: tlsKey, ...(tlsClientCa === undefined ? {} : { clientCa: tlsClientCa }) } }),
    dangerouslyAllowUnauthenticated: flags.dangerouslyAllowUnauthenticated ?? false,
  };
}

/** Which flag each option is; a longer name stands before one that it begins with. */
const flagByOption = {
  "auth.tokenFile": "--auth-token-file",
  "auth.apiTokenFile": "--api-token-file",
  "auth.oidc": "--oidc-issuer",
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

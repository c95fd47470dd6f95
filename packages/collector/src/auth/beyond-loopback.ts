import { ConfigError } from "../config-error.ts";
import { authorityOf, type ListenAddress } from "../listen-address.ts";
import type { CollectorAuth } from "./collector-auth.ts";
import { isLoopbackHost } from "./trusted-host.ts";

/**
 * Refuses addresses that others can reach while nobody there is asked who they are.
 *
 * @throws {ConfigError} naming each such address and what would help.
 */
export function assertAuthenticated(
  addresses: Readonly<Record<"otlpHttp" | "otlpGrpc" | "api", ListenAddress | undefined>>,
  auth: CollectorAuth,
): void {
  if (auth.dangerouslyAllowUnauthenticated === true) return;
  const asksSenders =
    auth.tokenFile !== undefined ||
    (auth.oidc?.length ?? 0) > 0 ||
    auth.jobTokensOf !== undefined ||
    auth.tls?.clientCa !== undefined;
  const senders = "auth.tokenFile, auth.oidc, auth.jobTokensOf or auth.tls.clientCa";
  const listeners = [
    { key: "otlpHttp", asks: asksSenders, remedy: senders },
    { key: "otlpGrpc", asks: asksSenders, remedy: senders },
    { key: "api", asks: auth.apiTokenFile !== undefined, remedy: "auth.apiTokenFile" },
  ] as const;
  const problems = listeners.flatMap(({ key, asks, remedy }) => {
    const address = addresses[key];
    if (address === undefined || asks || isLoopbackHost(address.host)) return [];
    const where = authorityOf(address.host, address.port);
    const problem = `${where} is beyond loopback and asks nobody who they are; set ${remedy}, or auth.dangerouslyAllowUnauthenticated`;
    return [{ key, problem }];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

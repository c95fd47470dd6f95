import { isIPv4 } from "node:net";

/** `localhost`, 127.0.0.0/8, `::1` (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3), also as IPv4 in IPv6; no brackets. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
  return bare === "localhost" || bare === "::1" || (isIPv4(bare) && bare.startsWith("127."));
}

/**
 * Whether a request's `Host` is one that this collector goes by: loopback, or an address that it listens on.
 *
 * A page that a browser loaded from elsewhere can have its own name resolved to our address (DNS rebinding), and then
 * read what we answer; the name that it asks for gives it away.
 *
 * @param ownHosts the host that was asked for in the options, and the address that the connection arrived at.
 */
export function isOwnHost(hostHeader: string | undefined, ownHosts: readonly (string | undefined)[]): boolean {
  const url = `http://${hostHeader ?? ""}`;
  if (hostHeader === undefined || /[/?#@\\\s]/.test(hostHeader) || !URL.canParse(url)) return false;
  const host = plain(new URL(url).hostname);
  return isLoopbackHost(host) || ownHosts.some((own) => own !== undefined && plain(own) === host);
}

/** One spelling for each host: no brackets, lower case, IPv4 not dressed up as IPv6. */
function plain(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/^::ffff:(?=\d+\.)/, "");
}

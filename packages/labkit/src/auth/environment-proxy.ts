import { BlockList, isIP } from "node:net";
import { isLoopback } from "./loopback.ts";

/**
 * The proxy that an environment names for a URL, for `EndpointSpec.proxyUrl`; undefined: none. `https`, `grpc` and `grpcs`
 * are tunnelled and so go by `https_proxy`; plain `http` by `http_proxy`. The lower-case spelling of a variable wins.
 *
 * `no_proxy`: hosts separated by commas or spaces, `*` for all; `example.com` and `.example.com` also stand for what is
 * below; `host:port` for that port alone; `10.0.0.0/8` for addresses. This machine is never reached by a proxy.
 */
export function environmentProxyFor(
  url: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const read = (name: string) => environment[name] ?? environment[name.toUpperCase()] ?? "";
  const target = URL.parse(url);
  if (target === null || isExempt(target, read("no_proxy"))) return undefined;
  const chosen = read(target.protocol === "http:" ? "http_proxy" : "https_proxy");
  if (chosen === "") return undefined;
  return chosen.includes("://") ? chosen : `http://${chosen}`;
}

function isExempt(target: URL, noProxy: string): boolean {
  if (isLoopback(target)) return true;
  const { hostname, port, protocol } = target;
  const host = hostname.toLowerCase();
  const ownPort = port === "" ? (protocol === "http:" || protocol === "grpc:" ? "80" : "443") : port;
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === "*" || isInNetwork(host, entry)) return true;
      const [, name = "", wantedPort] = /^(.+?)(?::(\d+))?$/.exec(entry.replace(/^\*?\./, "")) ?? [];
      if (name === "" || (wantedPort !== undefined && wantedPort !== ownPort)) return false;
      return host === name || host.endsWith(`.${name}`);
    });
}

function isInNetwork(host: string, network: string): boolean {
  const [, address = "", bits = ""] = /^(.+)\/(\d{1,3})$/.exec(network) ?? [];
  const target = host.replace(/^\[|\]$/g, "");
  const family = isIP(target);
  if (family === 0 || isIP(address) !== family || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const addresses = new BlockList();
  addresses.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
  return addresses.check(target, family === 4 ? "ipv4" : "ipv6");
}

import { isLoopback } from "@jobscope/labkit";
import type { ProxyConfig } from "./manager-config.ts";

/**
 * The proxy that the process's environment names for a URL; undefined: none. `https`, `grpc` and `grpcs` are tunnelled and
 * so go by `https_proxy`, as does GitLab's runner; plain `http` by `http_proxy`.
 *
 * `no_proxy`: hosts separated by commas or spaces, `*` for all; `example.com` and `.example.com` also stand for what is
 * below; `host:port` for that port alone. This machine is never reached by a proxy. Rule: runner-protocol.md §1.1.
 */
export function proxyFor(url: string, proxy: ProxyConfig): string | undefined {
  const target = URL.parse(url);
  if (target === null || isExempt(target, proxy.noProxy)) return undefined;
  const chosen = target.protocol === "http:" ? proxy.httpProxy : proxy.httpsProxy;
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
      if (entry === "*") return true;
      const [, name = "", wantedPort] = /^(.+?)(?::(\d+))?$/.exec(entry.replace(/^\*?\./, "")) ?? [];
      if (name === "" || (wantedPort !== undefined && wantedPort !== ownPort)) return false;
      return host === name || host.endsWith(`.${name}`);
    });
}

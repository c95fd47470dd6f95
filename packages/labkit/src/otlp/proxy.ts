import { request } from "node:http";
import type { Socket } from "node:net";
import { describeFailure } from "./describe-failure.ts";

/** No connection through the proxy. The message is a sentence without secrets. */
class ProxyError extends Error {
  override readonly name = "ProxyError";
  readonly code = "proxy_failed";
}

/** The user info of a proxy's URL, decoded: `user:password`. Undefined without any. */
export function proxyCredentials(proxy: URL): string | undefined {
  if (proxy.username === "") return undefined;
  return `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
}

/** Header fields that are for the proxy alone. */
export function proxyHeaders(proxy: URL): Readonly<Record<string, string>> {
  const userInfo = proxyCredentials(proxy);
  return userInfo === undefined ? {} : { "proxy-authorization": `Basic ${Buffer.from(userInfo).toString("base64")}` };
}

/** `host:port`, with the port that `URL` leaves out when it is the scheme's. */
export function authorityOf(url: URL): string {
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return `${url.hostname}:${port}`;
}

/**
 * Opens a connection to `target` (`host:port`) through an HTTP proxy (RFC 9110 §9.3.6, CONNECT).
 *
 * @throws {ProxyError} when the proxy cannot be reached in time or does not let us through.
 */
export function openTunnel(proxy: URL, target: string, { timeoutMs }: { timeoutMs: number }): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const connecting = request({
    host: proxy.hostname.replace(/^\[|\]$/g, ""),
    port: proxy.port === "" ? 80 : proxy.port,
    method: "CONNECT",
    path: target,
    headers: { host: target, ...proxyHeaders(proxy) },
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
  });
  connecting.once("connect", ({ statusCode }, socket, head) => {
    if (statusCode === 200 && head.length === 0) resolve(socket);
    else {
      socket.destroy();
      reject(new ProxyError(`the proxy ${proxy.host} answered HTTP status ${statusCode}`));
    }
  });
  connecting.once("error", (cause) => {
    reject(
      new ProxyError(`the proxy ${proxy.host} cannot be used: ${describeFailure(cause, { timeoutMs })}`, { cause }),
    );
  });
  connecting.end();
  return promise;
}

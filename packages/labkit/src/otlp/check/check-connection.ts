import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { describeFailure } from "../describe-failure.ts";
import type { EndpointSpec, ParsedEndpoint } from "../endpoint-spec.ts";
import { authorityOf, openTunnel } from "../proxy.ts";
import { readTlsFiles } from "../tls-files.ts";
import { type CheckStep, failed, passed } from "./check-step.ts";

export interface CheckBounds {
  readonly signal: AbortSignal;
  /** Of each step, ms. */
  readonly timeoutMs: number;
}

/** Finds the host that is connected to: the endpoint's, or the proxy's. */
export async function checkDns(endpoint: ParsedEndpoint, spec: EndpointSpec, bounds: CheckBounds): Promise<CheckStep> {
  const { host } = peerOf(endpoint, spec);
  if (isIP(host) !== 0) return passed("dns", `${host} is an address, no name to look up`);
  try {
    const addresses = await inTime(lookup(host, { all: true }), bounds);
    const list = addresses.map(({ address }) => address).join(", ");
    return passed("dns", `${host} has ${addresses.length === 1 ? "an address" : `${addresses.length} addresses`}`, {
      addresses: list,
    });
  } catch (error) {
    return failed("dns", {
      message: `${host}: ${describeFailure(error, bounds)}`,
      advice: "Check the spelling of the host name, and that this machine's resolver knows it.",
    });
  }
}

/** Connects, through the proxy if there is one, and speaks TLS if the endpoint does. Sends nothing. */
export async function* checkConnection(
  endpoint: ParsedEndpoint,
  spec: EndpointSpec,
  bounds: CheckBounds,
): AsyncGenerator<CheckStep, void> {
  const { host, port } = peerOf(endpoint, spec);
  let socket: Socket;
  try {
    socket = await openSocket(endpoint, spec, bounds);
  } catch (error) {
    yield failed("connect", {
      message: `${host}:${port}: ${describeFailure(error, bounds)}`,
      advice:
        spec.proxyUrl === undefined
          ? "Check that the collector runs and listens on this port, and that no firewall is between."
          : "Check the proxy's address and credentials, and that it may connect to the collector.",
    });
    return;
  }
  using _ = { [Symbol.dispose]: () => socket.destroy() };
  socket.on("error", () => {}); // What happens between the steps shows in the next.
  yield passed("connect", `connected to ${host}:${port}${spec.proxyUrl === undefined ? "" : ", a proxy"}`);
  if (endpoint.url.protocol === "https:") yield await checkTls(socket, endpoint, spec, bounds);
}

async function checkTls(
  socket: Socket,
  endpoint: ParsedEndpoint,
  spec: EndpointSpec,
  bounds: CheckBounds,
): Promise<CheckStep> {
  try {
    const host = bareHost(endpoint.url);
    const { ca, cert, key } = readTlsFiles(spec.tls);
    const secured = connectTls({
      socket,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ALPNProtocols: [endpoint.protocol === "grpc" ? "h2" : "http/1.1"],
      // To be able to show a certificate that is not trusted. Nothing is sent over this connection.
      rejectUnauthorized: false,
    });
    using _ = { [Symbol.dispose]: () => secured.destroy() };
    await inTime(once(secured, "secureConnect"), bounds);
    return judgeTls(secured, endpoint);
  } catch (error) {
    return failed("tls", {
      message: describeTlsFailure(error, bounds),
      advice:
        "Check that the endpoint speaks TLS on this port (else its scheme is http:// or grpc://), and the TLS files of this side.",
    });
  }
}

function judgeTls(secured: TLSSocket, { protocol }: ParsedEndpoint): CheckStep {
  const { subject, issuer, valid_from: from, valid_to: to } = secured.getPeerCertificate();
  const facts = {
    version: secured.getProtocol() ?? "unknown",
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    "valid from": from,
    "valid until": to,
  };
  if (!secured.authorized) {
    const problem = Object.assign(new Error(), { code: String(secured.authorizationError) });
    return failed("tls", {
      message: describeFailure(problem, { timeoutMs: 0 }),
      advice: certificateAdvice(problem.code),
      facts,
    });
  }
  if (protocol === "grpc" && secured.alpnProtocol !== "h2") {
    const advice = "Check that this port is the collector's one for gRPC; for OTLP over HTTP the scheme is https://.";
    return failed("tls", { message: "the endpoint does not offer HTTP/2, which gRPC needs", advice, facts });
  }
  return passed("tls", `${facts.version}, certificate of ${facts.subject} by ${facts.issuer}`, facts);
}

function certificateAdvice(code: string): string {
  if (code === "CERT_HAS_EXPIRED") return "Renew the endpoint's certificate, and check the clocks of both machines.";
  if (code.startsWith("ERR_TLS_CERT_ALTNAME")) return "Use a host name that the certificate is for.";
  return "Name the authority that signed the certificate in the endpoint's TLS settings (a PEM file).";
}

function describeTlsFailure(error: unknown, bounds: CheckBounds): string {
  const isFile = error instanceof Error && "path" in error && typeof error.path === "string";
  const what = describeFailure(error, bounds);
  return isFile ? `${what}: ${String(error.path)}` : `the TLS handshake failed: ${what}`;
}

function nameOf(name: { CN?: string | string[]; O?: string | string[] } | undefined): string {
  return [name?.CN ?? name?.O ?? "nobody"].flat().join(", ");
}

async function openSocket(endpoint: ParsedEndpoint, spec: EndpointSpec, bounds: CheckBounds): Promise<Socket> {
  const isTunnelled = endpoint.url.protocol === "https:" || endpoint.protocol === "grpc";
  if (spec.proxyUrl !== undefined && isTunnelled)
    return await inTime(openTunnel(new URL(spec.proxyUrl), authorityOf(endpoint.url), bounds), bounds);
  const socket = connect(peerOf(endpoint, spec));
  try {
    await inTime(once(socket, "connect"), bounds);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Who is connected to. */
function peerOf({ url }: ParsedEndpoint, { proxyUrl }: EndpointSpec): { host: string; port: number } {
  const peer = proxyUrl === undefined ? url : new URL(proxyUrl);
  return { host: bareHost(peer), port: Number(authorityOf(peer).split(":").at(-1)) };
}

/** An IPv6 address stands in brackets in URLs alone. */
function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

async function inTime<T>(work: Promise<T>, { signal, timeoutMs }: CheckBounds): Promise<T> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(bounded.reason);
  bounded.addEventListener("abort", onAbort);
  if (bounded.aborted) onAbort();
  return await Promise.race([work, ended]).finally(() => bounded.removeEventListener("abort", onAbort));
}

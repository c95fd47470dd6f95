/** Error codes of Node.js and undici that stand for a plain sentence. */
const sentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection reset",
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "host name could not be looked up",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ETIMEDOUT: "connecting timed out",
  UND_ERR_CONNECT_TIMEOUT: "connecting timed out",
  UND_ERR_HEADERS_TIMEOUT: "no answer in time",
  UND_ERR_BODY_TIMEOUT: "answer stalled",
  UND_ERR_SOCKET: "connection closed before the answer",
  ENOENT: "a TLS file is missing",
  EACCES: "a TLS file may not be read",
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate chain holds a self-signed certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate is not signed by a known authority",
  ERR_SSL_WRONG_VERSION_NUMBER: "the other side does not speak TLS",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the other side does not speak TLS",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the endpoint wants a client certificate",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the endpoint does not know who signed our client certificate",
  HPE_INVALID_CONSTANT: "answered with something that is not HTTP/1.1",
  CERT_HAS_EXPIRED: "certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate is for another host name",
};

/** Says in few words why no answer came. Holds no header, body or URL. */
export function describeFailure(error: unknown, options: { timeoutMs: number }): string {
  if (!(error instanceof Error)) return "failed for an unknown reason";
  if (error.name === "TimeoutError") return `no answer within ${options.timeoutMs} ms`;
  if (error.name === "AbortError")
    return error.cause instanceof Error ? describeFailure(error.cause, options) : "cancelled";
  if (error.name === "ProxyError") return error.message;
  const code = firstCode(error);
  return code === undefined ? `failed: ${error.name}` : (sentences[code] ?? `failed: ${code}`);
}

/** The code nearest to the cause: undici and happy-eyeballs connecting wrap the system's error. */
function firstCode(error: Error): string | undefined {
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  const innerCode = inner instanceof Error ? firstCode(inner) : undefined;
  return innerCode ?? ("code" in error && typeof error.code === "string" ? error.code : undefined);
}

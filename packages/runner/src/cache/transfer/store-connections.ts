import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent } from "undici";

type Environment = Readonly<Record<string, string | undefined>>;

const connectTimeoutMs = 30_000;
/** Longest silence: of a store that is asked, and within an answer. */
const silenceMs = 60_000;

/**
 * Connections to stores: kept alive, through the proxy that the environment names, trusting Node's and the system's
 * authorities, so that a store with a certificate of the house's own is reached as other programs reach it.
 *
 * Bounds: GitLab's helper, whose client has the same.
 */
export function createStoreConnections(environment: Environment): Dispatcher {
  const shared = { keepAliveTimeout: 60_000, headersTimeout: silenceMs, bodyTimeout: silenceMs };
  const read = (name: string) => environment[name] || environment[name.toUpperCase()] || "";
  const [httpProxy, httpsProxy, noProxy] = [read("http_proxy"), read("https_proxy"), read("no_proxy")];
  if (httpProxy !== "" || httpsProxy !== "") {
    const tls = { ca: trustedAuthorities() };
    return new EnvHttpProxyAgent({ ...shared, httpProxy, httpsProxy, noProxy, connect: tls, requestTls: tls });
  }
  const plain = buildConnector({ timeout: connectTimeoutMs });
  let secure: buildConnector.connector | undefined;
  return new Agent({
    ...shared,
    connect(options, callback) {
      if (options.protocol !== "https:") return plain(options, callback);
      secure ??= buildConnector({ timeout: connectTimeoutMs, secureContext: trustingContext() });
      return secure(options, callback);
    },
  });
}

/** Made when first needed: it reads some hundred certificates. */
function trustingContext(): SecureContext {
  return createSecureContext({ ca: trustedAuthorities(), minVersion: "TLSv1.2" });
}

function trustedAuthorities(): string[] {
  return [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
}

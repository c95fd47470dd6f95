import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";

const maxProxySettings = 16;

/** Connections to registries, kept open between jobs: one set for each proxy setting that steps come with. */
export function createDispatchers(): (env: Readonly<Record<string, string>>) => Dispatcher {
  const direct = new Agent();
  const byProxies = new Map<string, Dispatcher>();
  return (env) => {
    const httpProxy = env["http_proxy"] ?? env["HTTP_PROXY"] ?? "";
    const httpsProxy = env["https_proxy"] ?? env["HTTPS_PROXY"] ?? "";
    if (httpProxy === "" && httpsProxy === "") return direct;
    const noProxy = env["no_proxy"] ?? env["NO_PROXY"] ?? "";
    const key = JSON.stringify([httpProxy, httpsProxy, noProxy]);
    const known = byProxies.get(key);
    if (known !== undefined) return known;
    const [oldest] = byProxies.keys();
    if (byProxies.size >= maxProxySettings && oldest !== undefined) byProxies.delete(oldest);
    const made = new EnvHttpProxyAgent({ httpProxy, httpsProxy, noProxy });
    byProxies.set(key, made);
    return made;
  };
}

import type { ProxyConfig } from "./manager-config.ts";

/** Variables by name, as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** This process's own environment: the one place in the runner that reads it. */
export function processEnvironment(): Environment {
  // biome-ignore lint/style/noProcessEnv: the rim; everything else gets the environment passed in.
  return process.env;
}

/** The standard proxy variables; the lower-case spelling wins. Rule: runner-protocol.md §1.1. */
export function readProxyConfig(environment: Environment): ProxyConfig {
  const read = (name: string) => environment[name] ?? environment[name.toUpperCase()] ?? "";
  return { httpProxy: read("http_proxy"), httpsProxy: read("https_proxy"), noProxy: read("no_proxy") };
}

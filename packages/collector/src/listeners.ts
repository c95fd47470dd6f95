import { type Server as GrpcServer, logVerbosity, type ServerCredentials, setLogVerbosity } from "@grpc/grpc-js";
import type { FastifyInstance } from "fastify";
import { authorityOf, type ListenAddress, listenError, parseListenAddress } from "./listen-address.ts";

/** The three things that a collector listens for. */
export type ListenerKey = "otlpHttp" | "otlpGrpc" | "api";

/** How long open requests may take to end once a server stops listening. */
const closeGraceMs = 5000;

/** A server that can be told where to listen. */
export interface Listener extends AsyncDisposable {
  /** @returns the port that was bound. */
  listen(address: ListenAddress): Promise<number>;
}

/** Addresses by listener; undefined where nothing shall listen. */
export type ListenAddresses = Readonly<Record<ListenerKey, ListenAddress | undefined>>;

/** What is listened on when nothing else is said: OTLP's own ports, and one beside them. */
const defaults: Readonly<Record<ListenerKey, string>> = {
  otlpHttp: "127.0.0.1:4318",
  otlpGrpc: "127.0.0.1:4317",
  api: "127.0.0.1:4320",
};

/** @throws {ConfigError} for the first address that is malformed. */
export function readListenAddresses(
  options: Readonly<Partial<Record<ListenerKey, string | false | undefined>>>,
): ListenAddresses {
  const read = (key: ListenerKey) => {
    const text = options[key] ?? defaults[key];
    return text === false ? undefined : parseListenAddress(key, text);
  };
  return { otlpHttp: read("otlpHttp"), otlpGrpc: read("otlpGrpc"), api: read("api") };
}

/**
 * Listens on each address and hands the servers to `owner`, which ends them.
 *
 * @param hasTls whether the OTLP receivers speak TLS.
 * @returns the URL of each, with the port that was bound.
 * @throws {ConfigError} when one cannot be listened on.
 */
export async function listenAll(
  addresses: ListenAddresses,
  listeners: Readonly<Record<ListenerKey, () => Listener>>,
  hasTls: boolean,
  owner: AsyncDisposableStack,
): Promise<Record<`${ListenerKey}Url`, string | undefined>> {
  const urlOf = async (key: ListenerKey, scheme: string) => {
    const address = addresses[key];
    if (address === undefined) return undefined;
    const listener = owner.use(listeners[key]());
    const port = await listener.listen(address).catch((error: unknown) => {
      throw listenError(key, address, error);
    });
    return `${scheme}://${authorityOf(address.host, port)}`;
  };
  return {
    apiUrl: await urlOf("api", "http"),
    otlpHttpUrl: await urlOf("otlpHttp", hasTls ? "https" : "http"),
    otlpGrpcUrl: await urlOf("otlpGrpc", hasTls ? "grpcs" : "grpc"),
  };
}

/** Requests under way are answered before it ends, up to a grace period; idle connections are closed at once. */
export function httpListener(server: FastifyInstance): Listener {
  return {
    async listen(address) {
      await server.listen({ host: address.host, port: address.port });
      const bound = server.server.address();
      return typeof bound === "object" && bound !== null ? bound.port : address.port;
    },
    async [Symbol.asyncDispose]() {
      const timer = setTimeout(() => server.server.closeAllConnections(), closeGraceMs);
      // A connection whose request is answered while the server closes would else stay until it is idle for long.
      const idle = setInterval(() => server.server.closeIdleConnections(), 20);
      await server.close();
      clearInterval(idle);
      clearTimeout(timer);
    },
  };
}

/** Calls under way are answered before it ends, up to a grace period. */
export function grpcListener(server: GrpcServer, credentials: ServerCredentials): Listener {
  return {
    async listen({ host, port }) {
      // grpc-js writes why to standard error, beside telling us.
      setLogVerbosity(logVerbosity.NONE);
      try {
        return await new Promise((resolve, reject) => {
          server.bindAsync(authorityOf(host, port), credentials, (error, bound) =>
            error === null ? resolve(bound) : reject(error),
          );
        });
      } finally {
        setLogVerbosity(logVerbosity.ERROR);
      }
    },
    async [Symbol.asyncDispose]() {
      const timer = setTimeout(() => server.forceShutdown(), closeGraceMs);
      await new Promise<void>((closed) => server.tryShutdown(() => closed()));
      clearTimeout(timer);
    },
  };
}

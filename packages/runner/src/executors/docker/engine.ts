import { readFile } from "node:fs/promises";
import path from "node:path";
import type Dockerode from "dockerode";
import type { DockerConfig } from "../../config/docker-config.ts";
import { ExecutorError } from "../executor.ts";
import { limitAnswers } from "./limit-answers.ts";

/** A Docker Engine, or what speaks its API: podman's socket, a rootless engine. */
export type Engine = Dockerode;

/** An engine on a busy disk takes some seconds for a container. */
const defaultAnswerTimeoutMs = 120_000;

/**
 * Makes the client of the engine that a configuration names; connects to nothing yet.
 *
 * @param answerTimeoutMs how long an answer may take to begin. Default: two minutes.
 * @throws {ExecutorError} `runner_configuration_error` for an address or certificates that cannot be used.
 *
 * Rule: runner-protocol.md §4.2, step 2. Without `host` the environment decides, as for the `docker` command.
 */
export async function createEngine(
  config: Pick<DockerConfig, "host" | "tlsCertPath" | "verifiesTls">,
  answerTimeoutMs: number = defaultAnswerTimeoutMs,
): Promise<Engine> {
  return limitAnswers(await connect(config), answerTimeoutMs);
}

async function connect(config: Pick<DockerConfig, "host" | "tlsCertPath" | "verifiesTls">): Promise<Engine> {
  // Loaded when the first job wants it: a runner of shell jobs does without it.
  const { default: Docker } = await import("dockerode");
  if (config.host === undefined) return new Docker();
  const url = URL.parse(config.host);
  if (url === null) throw misconfigured(`host "${config.host}" is no address such as unix:///var/run/docker.sock`);
  switch (url.protocol) {
    case "unix:":
    case "npipe:":
      return new Docker({ socketPath: config.host.replace(/^\w+:\/\//, "") });
    case "tcp:":
    case "http:":
    case "https:": {
      const certificates = await readCertificates(config);
      const isTls = certificates !== undefined || url.protocol === "https:";
      return new Docker({
        protocol: isTls ? "https" : "http",
        host: url.hostname,
        port: url.port || (isTls ? 2376 : 2375),
        ...certificates,
      });
    }
    case "ssh:":
      return new Docker({
        protocol: "ssh",
        host: url.hostname,
        ...(url.port === "" ? {} : { port: url.port }),
        ...(url.username === "" ? {} : { username: url.username }),
      });
    default:
      throw misconfigured(`host "${config.host}": expected unix://, tcp:// or ssh://`);
  }
}

/** What the engine says of itself. */
export interface EngineFacts {
  /** Go's name: `amd64`. */
  readonly architecture: string;
  readonly operatingSystem: string;
}

/** @throws {ExecutorError} when no engine answers, or one of Windows. */
export async function describeEngine(engine: Engine, signal: AbortSignal): Promise<EngineFacts> {
  let version: { readonly Arch: string; readonly Os: string };
  try {
    version = (await engine.version()) as typeof version;
  } catch (error) {
    signal.throwIfAborted();
    throw new ExecutorError(
      `cannot reach the Docker engine: ${engineMessage(error)}. Is it running, and may this user use it?`,
      { cause: error },
    );
  }
  if (version.Os !== "linux") throw misconfigured(`the Docker engine runs ${version.Os} containers: expected linux`);
  return { architecture: version.Arch, operatingSystem: version.Os };
}

/** The engine's own words, without what the client puts around them. */
export function engineMessage(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { json, message, code } = error as { json?: unknown; message?: string; code?: string };
  if (typeof json === "object" && json !== null && "message" in json) return String(json.message).trim();
  return (message || code || String(error)).replace(/^\(HTTP code \d+\) [\w ]+ - /, "").trim();
}

/** The HTTP status of an answer of the engine's; `undefined` when it did not answer. */
export function engineStatus(error: unknown): number | undefined {
  const status = typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
  return typeof status === "number" ? status : undefined;
}

export function isNotFound(error: unknown): boolean {
  return engineStatus(error) === 404;
}

/** Wraps what the engine refuses. A request that it holds to be wrong comes of the configuration (runner-protocol.md §2.7). */
export function engineFailure(attempt: string, error: unknown): ExecutorError {
  if (error instanceof ExecutorError) return error;
  const message = `${attempt}: ${engineMessage(error)}`;
  return engineStatus(error) === 400
    ? new ExecutorError(message, { reason: "runner_configuration_error", cause: error })
    : new ExecutorError(message, { cause: error });
}

export function misconfigured(message: string): ExecutorError {
  return new ExecutorError(message, { reason: "runner_configuration_error" });
}

async function readCertificates({ tlsCertPath, verifiesTls }: Pick<DockerConfig, "tlsCertPath" | "verifiesTls">) {
  if (tlsCertPath === undefined) return undefined;
  const read = (name: string) =>
    readFile(path.join(tlsCertPath, name)).catch((error: Error) => {
      throw misconfigured(`tls_cert_path: ${error.message}`);
    });
  const [ca, cert, key] = await Promise.all(["ca.pem", "cert.pem", "key.pem"].map(read));
  return { ca, cert, key, rejectUnauthorized: verifiesTls };
}

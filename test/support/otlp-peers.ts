import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { testPeer } from "@jobscope/runner/testing";

/** A collector that is not ours: takes OTLP and passes it on. */
export interface OtlpPeer extends AsyncDisposable {
  readonly httpUrl: string;
  readonly grpcUrl: string;
  /** Ends it in order, so that all it has taken is passed on. */
  stop(): Promise<void>;
  /** Starts it again, at the same addresses. */
  restart(): Promise<void>;
}

export interface OtlpPeerOptions {
  /** For its configuration and log. */
  readonly directory: string;
  /** Where it sends what came over HTTP, and what came over gRPC. */
  readonly to: { readonly httpUrl: string; readonly grpcUrl: string };
}

/** The core of the OpenTelemetry Collector; what comes over a protocol goes out over the same. */
export async function startOtelcol({ directory, to }: OtlpPeerOptions): Promise<OtlpPeer> {
  const [http = 0, grpc = 0] = await freePorts(2);
  const file = join(directory, "otelcol.yaml");
  await writeFile(file, JSON.stringify(otelcolConfiguration({ http, grpc, to })));
  return await startPeer("otelcol", ["--config", file], { http, grpc });
}

/** rotel; everything goes out over gRPC. */
export async function startRotel({ directory, to }: OtlpPeerOptions): Promise<OtlpPeer> {
  const [http = 0, grpc = 0] = await freePorts(2);
  const args = [
    "start",
    ...["--otlp-http-endpoint", `127.0.0.1:${http}`, "--otlp-grpc-endpoint", `127.0.0.1:${grpc}`],
    ...["--exporter", "otlp", "--otlp-exporter-protocol", "grpc"],
    ...["--otlp-exporter-endpoint", to.grpcUrl.replace("grpc://", "http://")],
    ...["--pid-file", join(directory, "rotel.pid"), "--log-file", join(directory, "rotel.log")],
  ];
  return await startPeer("rotel", args, { http, grpc });
}

function otelcolConfiguration({ http, grpc, to }: { http: number; grpc: number; to: OtlpPeerOptions["to"] }): object {
  return {
    receivers: {
      "otlp/http": { protocols: { http: { endpoint: `127.0.0.1:${http}` } } },
      "otlp/grpc": { protocols: { grpc: { endpoint: `127.0.0.1:${grpc}` } } },
    },
    exporters: {
      otlp_http: { endpoint: to.httpUrl },
      otlp_grpc: { endpoint: to.grpcUrl.replace("grpc://", ""), tls: { insecure: true } },
    },
    service: {
      pipelines: {
        "traces/http": { receivers: ["otlp/http"], exporters: ["otlp_http"] },
        "traces/grpc": { receivers: ["otlp/grpc"], exporters: ["otlp_grpc"] },
      },
      telemetry: { metrics: { level: "none" }, logs: { level: "warn" } },
    },
  };
}

async function startPeer(
  name: string,
  args: readonly string[],
  ports: { readonly http: number; readonly grpc: number },
): Promise<OtlpPeer> {
  const program = testPeer(name) ?? name;
  let child: ChildProcess;
  let output = "";
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals) => {
    if (!isRunning()) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  const start = async () => {
    child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += String(chunk)));
    for (const port of Object.values(ports)) {
      // It says in no word that could be waited for that it listens.
      while (!(await isListening(port))) {
        if (!isRunning()) throw new Error(`${name} ended with ${child.exitCode}: ${output.slice(-2_000)}`);
        await delay(20);
      }
    }
  };
  await start();
  return {
    httpUrl: `http://127.0.0.1:${ports.http}`,
    grpcUrl: `grpc://127.0.0.1:${ports.grpc}`,
    stop: () => end("SIGTERM"),
    restart: start,
    [Symbol.asyncDispose]: () => end("SIGKILL"),
  };
}

function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}

/** Ports that nobody listens on now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

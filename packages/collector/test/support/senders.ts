import { readFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Collector } from "../../src/index.ts";

/** Who sends: with which `Authorization`, which certificate, trusting which authority. */
export interface Sender {
  readonly authorization?: string | undefined;
  readonly ca?: string;
  readonly client?: { readonly cert: string; readonly key: string };
}

/** What was answered; undefined where the connection was refused. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Posts spans over OTLP/HTTP on a connection of its own. */
export async function sendHttp(
  { otlpHttpUrl }: Collector,
  body: Buffer,
  sender: Sender = {},
): Promise<HttpAnswer | undefined> {
  const url = new URL(`${otlpHttpUrl}/v1/traces`);
  const headers: Record<string, string> = { "Content-Type": "application/x-protobuf" };
  if (sender.authorization !== undefined) headers["Authorization"] = sender.authorization;
  const { ca, cert, key } = await filesOf(sender);
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return await new Promise((resolve) => {
    const sent = request(url, { method: "POST", headers, agent: false, ca, cert, key }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        });
      });
    });
    sent.on("error", () => resolve(undefined));
    sent.end(body);
  });
}

/** Sends spans over OTLP/gRPC. @returns the error, undefined when they were taken. */
export async function sendGrpc(
  { otlpGrpcUrl }: Collector,
  message: Buffer,
  sender: Sender = {},
): Promise<ServiceError | undefined> {
  const { ca, cert, key } = await filesOf(sender);
  const isPlain = otlpGrpcUrl?.startsWith("grpc://");
  const channel = isPlain ? credentials.createInsecure() : credentials.createSsl(ca ?? null, key ?? null, cert ?? null);
  const client = new Client(otlpGrpcUrl?.replace(/^grpcs?:\/\//, "") ?? "", channel);
  const metadata = new Metadata();
  if (sender.authorization !== undefined) metadata.set("authorization", sender.authorization);
  const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
  const pass = (bytes: Buffer) => bytes;
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest(path, pass, pass, message, metadata, (error) => resolve(error ?? undefined));
    });
  } finally {
    client.close();
  }
}

async function filesOf({ ca, client }: Sender) {
  return {
    ca: ca === undefined ? undefined : await readFile(ca),
    cert: client === undefined ? undefined : await readFile(client.cert),
    key: client === undefined ? undefined : await readFile(client.key),
  };
}

import { createTokenSource, type TokenSource } from "@jobscope/labkit";
import { request } from "undici";
import { longestValidMs } from "../remote-cache.ts";
import { azureTime, type DelegationKey, serviceVersion } from "./sign-sas.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface DelegationKeys {
  /** A key that is good for so long. @throws {Error} whose message says why there is none, and no secret. */
  keyFor(validMs: number, signal: AbortSignal): Promise<DelegationKey>;
}

/** A key is asked for so long, and shared by all jobs until too little of it is left. */
const keyLifeMs = longestValidMs;
const requestTimeoutMs = 30_000;
const maxAnswerBytes = 64 * 1024;

/**
 * Keys that the store gives to the machine's identity to sign with.
 *
 * Source: Azure Storage REST reference, "Get User Delegation Key".
 */
export function createDelegationKeys(options: {
  /** `https://<account>.blob.core.windows.net` */
  readonly service: string;
  readonly environment: Environment;
}): DelegationKeys {
  const url = new URL(`${options.service}/?restype=service&comp=userdelegationkey`);
  const identity = identityOf(options.environment);
  let kept: { readonly key: DelegationKey; readonly expiresAtMs: number } | undefined;

  async function fetchKey(signal: AbortSignal): Promise<DelegationKey> {
    const now = Date.now();
    const headers = await identity.headers({ url, signal });
    const [start, expiry] = [new Date(now), new Date(now + keyLifeMs)].map(azureTime);
    const answer = await request(url, {
      method: "POST",
      headers: { ...headers, "x-ms-version": serviceVersion, "content-type": "application/xml" },
      body: `<?xml version="1.0" encoding="utf-8"?><KeyInfo><Start>${start}</Start><Expiry>${expiry}</Expiry></KeyInfo>`,
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
    });
    const text = await readText(answer.body);
    if (answer.statusCode !== 200) {
      const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? answer.headers["x-ms-error-code"] ?? "";
      throw new Error(`no user delegation key: the store answered ${answer.statusCode} ${code}`.trimEnd());
    }
    return parseKey(text);
  }

  return {
    async keyFor(validMs, signal) {
      // At most half of the longest life, so that a long job does not ask for a new key each time.
      const neededMs = Math.min(validMs, keyLifeMs / 2);
      if (kept !== undefined && kept.expiresAtMs - Date.now() >= neededMs) return kept.key;
      const key = await fetchKey(signal);
      kept = { key, expiresAtMs: Date.parse(key.expiresOn) };
      return key;
    },
  };
}

/** As Azure's own libraries choose: a service principal's secret, workload identity, managed identity. */
function identityOf(env: Environment): TokenSource {
  const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: secret } = env;
  const authority = (env["AZURE_AUTHORITY_HOST"] || "https://login.microsoftonline.com").replace(/\/+$/, "");
  const scope = "https://storage.azure.com/.default";
  if (tenant && clientId && secret) {
    const issuer = `${authority}/${encodeURIComponent(tenant)}/v2.0`;
    const clientSecret = { kind: "env", variable: "AZURE_CLIENT_SECRET" } as const;
    return createTokenSource({ kind: "oauth2-client-credentials", issuer, clientId, clientSecret, scope }, { env });
  }
  if (env["AZURE_FEDERATED_TOKEN_FILE"]) return createTokenSource({ kind: "azure-workload-identity", scope }, { env });
  const resource = "https://storage.azure.com/";
  return createTokenSource({ kind: "azure-managed-identity", resource, ...(clientId ? { clientId } : {}) }, { env });
}

function parseKey(xml: string): DelegationKey {
  const read = (name: string) => {
    const value = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
    if (!value) throw new Error(`no user delegation key: the store's answer lacks ${name}`);
    return value;
  };
  return {
    objectId: read("SignedOid"),
    tenantId: read("SignedTid"),
    startsOn: read("SignedStart"),
    expiresOn: read("SignedExpiry"),
    service: read("SignedService"),
    version: read("SignedVersion"),
    value: read("Value"),
  };
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error("no user delegation key: the store answered too much");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

import { createPrivateKey, createSign } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { GoogleAuth } from "google-auth-library";
import type { GcsCacheConfig } from "../../../config/cache-config.ts";

/** Who signs requests to Google Cloud Storage. */
export interface GcsSigner {
  /** E-mail address of the service account. */
  readonly email: string;
  /** `googleapis.com` unless it is another cloud. */
  readonly universe: string;
  /** SHA-256 with RSA, in base64. */
  readonly sign: (text: string) => Promise<string>;
}

const publicUniverse = "googleapis.com";
const scopes = ["https://www.googleapis.com/auth/cloud-platform"];

/**
 * By the configured credentials: a private key signs here; an identity of the machine's, or a federated one, has IAM sign
 * (`signBlob`).
 *
 * @throws {Error} when there are none, or they are none that can sign.
 */
export async function openGcsSigner({ credentials, universeDomain }: GcsCacheConfig): Promise<GcsSigner> {
  switch (credentials.kind) {
    case "key":
      return keySigner({ ...credentials, universe: universeDomain ?? publicUniverse });
    case "file":
      return await fileSigner(credentials.file, universeDomain);
    case "default": {
      const { GoogleAuth } = await import("google-auth-library");
      return await iamSigner(new GoogleAuth({ scopes, ...universe(universeDomain) }), universeDomain);
    }
  }
}

function keySigner(key: {
  readonly accessId: string;
  readonly privateKey: string;
  readonly universe: string;
}): GcsSigner {
  const privateKey = createPrivateKey(key.privateKey);
  return {
    email: key.accessId,
    universe: key.universe,
    sign: async (text) => createSign("RSA-SHA256").update(text).sign(privateKey, "base64"),
  };
}

async function fileSigner(file: string, universeDomain: string | undefined): Promise<GcsSigner> {
  const content = readObject(await readFile(file, "utf8"), file);
  const read = (name: string) => (typeof content[name] === "string" ? content[name] : "");
  if (read("type") === "service_account") {
    const universe = universeDomain ?? (read("universe_domain") || publicUniverse);
    return keySigner({ accessId: read("client_email"), privateKey: read("private_key"), universe });
  }
  const { ExternalAccountClient, GoogleAuth } = await import("google-auth-library");
  // It checks what it needs of the file itself.
  const options = content as unknown as Parameters<typeof ExternalAccountClient.fromJSON>[0];
  const authClient = ExternalAccountClient.fromJSON({ ...options, scopes });
  if (authClient === null) throw new CredentialsFileError(`${file}: credentials of type "${read("type")}" cannot sign`);
  return await iamSigner(new GoogleAuth({ authClient, ...universe(universeDomain) }), universeDomain);
}

async function iamSigner(auth: GoogleAuth, universeDomain: string | undefined): Promise<GcsSigner> {
  const { client_email: email } = await auth.getCredentials();
  if (!email) throw new CredentialsFileError("the credentials name no service account that could sign");
  return { email, universe: universeDomain ?? (await auth.getUniverseDomain()), sign: (text) => auth.sign(text) };
}

function universe(universeDomain: string | undefined) {
  return universeDomain === undefined ? {} : { universeDomain };
}

/** Its message holds nothing of the file. */
export class CredentialsFileError extends Error {
  override readonly name = "CredentialsFileError";
  readonly code = "CREDENTIALS_UNUSABLE";
}

function readObject(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // A syntax error's message quotes the text.
  }
  throw new CredentialsFileError(`${file} is not a credentials file of Google's (JSON)`);
}

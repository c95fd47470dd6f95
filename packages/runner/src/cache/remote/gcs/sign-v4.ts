import { createHash } from "node:crypto";

export interface V4Signing {
  readonly method: "GET" | "PUT";
  /** Scheme and host: `https://storage.googleapis.com`. */
  readonly origin: string;
  /** `<bucket>/<object>`, not encoded. */
  readonly path: string;
  /** To be sent with the request; all are signed. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly validMs: number;
  /** E-mail address of the service account that signs. */
  readonly accessId: string;
  readonly now: Date;
  /** SHA-256 with RSA, in base64. */
  readonly sign: (text: string) => Promise<string>;
}

const algorithm = "GOOG4-RSA-SHA256";

/** An address that lets its bearer send one request. Source: Cloud Storage, "Signatures" and "Canonical requests". */
export async function signV4(signing: V4Signing): Promise<string> {
  const { origin, accessId, now, validMs } = signing;
  const time = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const scope = `${time.slice(0, 8)}/auto/storage/goog4_request`;
  const headers = Object.entries({ ...signing.headers, host: new URL(origin).host }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const signedHeaders = headers.map(([name]) => name).join(";");
  const query = [
    ["X-Goog-Algorithm", algorithm],
    ["X-Goog-Credential", `${accessId}/${scope}`],
    ["X-Goog-Date", time],
    ["X-Goog-Expires", String(Math.ceil(validMs / 1000))],
    ["X-Goog-SignedHeaders", signedHeaders],
  ]
    .map(([name, value]) => `${name}=${encode(value ?? "")}`)
    .join("&");
  const path = `/${signing.path.split("/").map(encode).join("/")}`;
  const fields = headers.map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, " ")}\n`).join("");
  const request = [signing.method, path, query, fields, signedHeaders, "UNSIGNED-PAYLOAD"].join("\n");
  const digest = createHash("sha256").update(request).digest("hex");
  const signature = await signing.sign([algorithm, time, scope, digest].join("\n"));
  return `${origin}${path}?${query}&X-Goog-Signature=${Buffer.from(signature, "base64").toString("hex")}`;
}

/** RFC 3986: also what `encodeURIComponent` leaves. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/** What a registry asks for in `WWW-Authenticate` (RFC 9110 §11.6.1; Distribution's token specification). */
export type Challenge =
  | { readonly kind: "basic" }
  | {
      readonly kind: "bearer";
      readonly realm: string;
      readonly service: string | undefined;
      readonly scope: string | undefined;
    };

const parameter = /([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;

/** Reads the header; undefined when it asks for nothing we can give. `Bearer realm="https://…",service="…",scope="…"` */
export function parseChallenge(header: string | null): Challenge | undefined {
  if (header === null) return undefined;
  const bearer = /(?:^|,\s*)Bearer\s+(.*)$/i.exec(header)?.[1];
  if (bearer !== undefined) {
    const values = new Map<string, string>();
    for (const [, name = "", quoted, bare] of bearer.matchAll(parameter)) {
      values.set(name.toLowerCase(), (quoted ?? bare ?? "").replace(/\\(.)/g, "$1"));
    }
    const realm = values.get("realm");
    if (realm !== undefined && URL.canParse(realm)) {
      return { kind: "bearer", realm, service: values.get("service"), scope: values.get("scope") };
    }
  }
  return /(?:^|,\s*)Basic\b/i.test(header) ? { kind: "basic" } : undefined;
}

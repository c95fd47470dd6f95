import { z } from "zod";
import { fetchFailure } from "../fetch-limits.ts";

/** How to log in to a registry. */
export type RegistryLogin =
  | { readonly kind: "anonymous" }
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "identity-token"; readonly token: string };

const entry = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const config = z.object({ auths: z.record(z.string(), entry).optional() });

/**
 * Finds the login for a repository in `DOCKER_AUTH_CONFIG`, which has the form of Docker's `config.json`: the full
 * repository name first, then the registry host (ci-functions.md §2.5 "Authentication").
 *
 * @param authConfig undefined or empty means anonymous, and so does a config without a fitting entry.
 * @throws {FunctionError} `fetch_failed` when the text is no such JSON; its message quotes nothing of it.
 */
export function findLogin(authConfig: string | undefined, registry: string, repository: string): RegistryLogin {
  if (authConfig === undefined || authConfig.trim() === "") return { kind: "anonymous" };
  const auths = parseConfig(authConfig);
  const found = auths.get(`${registry}/${repository}`) ?? auths.get(registry);
  return found === undefined ? { kind: "anonymous" } : loginOf(found);
}

function parseConfig(text: string): Map<string, z.infer<typeof entry>> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    data = undefined; // the parser's message would quote the text
  }
  const parsed = config.safeParse(data);
  if (!parsed.success) throw fetchFailure("DOCKER_AUTH_CONFIG is no JSON in the form of Docker's config.json");
  return new Map(Object.entries(parsed.data.auths ?? {}).map(([key, value]) => [normalizeKey(key), value]));
}

/** Keys may be written as URLs: `https://registry.example.com/v1/`. */
function normalizeKey(key: string): string {
  return key
    .replace(/^https?:\/\//, "")
    .replace(/\/(?:v[12]\/?)?$/, "")
    .replace(/\/$/, "");
}

function loginOf(found: z.infer<typeof entry>): RegistryLogin {
  if (found.identitytoken) return { kind: "identity-token", token: found.identitytoken };
  if (found.username !== undefined && found.password !== undefined) {
    return { kind: "password", username: found.username, password: found.password };
  }
  const decoded = Buffer.from(found.auth ?? "", "base64").toString();
  const colon = decoded.indexOf(":");
  if (colon <= 0) return { kind: "anonymous" };
  // Docker pads the decoded text with NUL characters at times
  return {
    kind: "password",
    username: decoded.slice(0, colon),
    password: decoded.slice(colon + 1).replace(/\0+$/, ""),
  };
}

import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./api-context.ts";

/** What a verifier of `id_tokens:` asks for: OpenID discovery and the keys, at GitLab's paths. */
export function identityRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get("/oauth/discovery/keys", () => context.idTokens.keys());
  app.get("/.well-known/openid-configuration", () => ({
    issuer: context.url(),
    jwks_uri: `${context.url()}/oauth/discovery/keys`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
  }));
}

import type { FastifyInstance } from "fastify";
import { heldByRunner } from "../job-state.ts";
import type { ApiContext } from "./api-context.ts";
import { headerOf, jobOfToken } from "./authenticate.ts";
import { HttpError } from "./http-errors.ts";
import { restJob } from "./wire/rest.ts";

/**
 * What those ask who are shown a token of ours, at GitLab's paths: OpenID discovery and the keys for `id_tokens:`, and whose
 * a job token is, as long as its job runs.
 */
export function identityRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get("/oauth/discovery/keys", () => context.idTokens.keys());
  app.get("/.well-known/openid-configuration", () => ({
    issuer: context.url(),
    jwks_uri: `${context.url()}/oauth/discovery/keys`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
  }));
  app.get("/api/v4/job", (request) => {
    const job = jobOfToken(context, headerOf(request, "job-token"));
    const pipeline = job && context.state.pipelines.get(job.pipelineId);
    if (job === undefined || pipeline === undefined || !heldByRunner.has(job.state)) {
      throw new HttpError("401 Unauthorized", { statusCode: 401 });
    }
    return restJob(job, pipeline);
  });
}

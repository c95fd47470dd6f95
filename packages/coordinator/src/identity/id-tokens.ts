import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import {
  calculateJwkThumbprint,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  importPKCS8,
  type JSONWebKeySet,
  SignJWT,
} from "jose";
import type { JobRecord, PipelineRecord } from "../lifecycle/records.ts";
import { isProtected } from "../pipeline/variables/predefined-variables.ts";

/** Signs `id_tokens:` with the coordinator's own key. */
export interface IdTokens {
  /** One token for each entry of the job's `id_tokens:`, by variable name. */
  create(job: JobRecord, pipeline: PipelineRecord, validForSeconds: number): Promise<ReadonlyMap<string, string>>;
  /** Public half, served for whoever verifies. */
  keys(): Promise<JSONWebKeySet>;
}

interface Signer {
  readonly keys: JSONWebKeySet;
  sign(
    audiences: readonly string[],
    job: JobRecord,
    pipeline: PipelineRecord,
    validForSeconds: number,
  ): Promise<string>;
}

const algorithm = "RS256";

/**
 * The key is made when it is first needed, since making one takes a second and few pipelines have `id_tokens:`.
 * @param file the private key (PKCS #8, PEM), made with mode 0600 when missing.
 */
export function createIdTokens(file: string): IdTokens {
  let opened: Promise<Signer> | undefined;
  const signer = () => {
    opened ??= openSigner(file);
    return opened;
  };
  return {
    keys: async () => (await signer()).keys,
    create: async (job, pipeline, validForSeconds) => {
      const tokens = new Map<string, string>();
      for (const [name, audiences] of Object.entries(job.plan.idTokens)) {
        tokens.set(name, await (await signer()).sign(audiences, job, pipeline, validForSeconds));
      }
      return tokens;
    },
  };
}

async function openSigner(file: string): Promise<Signer> {
  if (!existsSync(file)) {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
    await writeFile(file, await exportPKCS8(privateKey), { mode: 0o600, flag: "wx" });
  }
  const privateKey = await importPKCS8(await readFile(file, "utf8"), algorithm, { extractable: true });
  const { kty, n, e } = await exportJWK(privateKey);
  const publicKey = { kty: kty ?? "RSA", ...(n === undefined ? {} : { n }), ...(e === undefined ? {} : { e }) };
  const kid = await calculateJwkThumbprint(publicKey);
  return {
    keys: { keys: [{ ...publicKey, kid, use: "sig", alg: algorithm }] },
    sign: (audiences, job, pipeline, validForSeconds) =>
      new SignJWT(claimsOf(job, pipeline))
        .setProtectedHeader({ alg: algorithm, kid, typ: "JWT" })
        .setIssuer(pipeline.facts.serverUrl)
        .setSubject(subjectOf(pipeline))
        .setAudience(audiences.length === 1 ? String(audiences[0]) : [...audiences])
        .setJti(randomUUID())
        .setIssuedAt()
        .setNotBefore("-5s")
        .setExpirationTime(Math.floor(Date.now() / 1000) + validForSeconds)
        .sign(privateKey),
  };
}

function subjectOf({ facts }: PipelineRecord): string {
  return `project_path:${facts.projectPath}:ref_type:${facts.isTag ? "tag" : "branch"}:ref:${facts.ref}`;
}

/** Rule: GitLab's documentation "OpenID Connect (OIDC) authentication using ID tokens", token payload. */
function claimsOf(job: JobRecord, pipeline: PipelineRecord): Record<string, unknown> {
  const { facts } = pipeline;
  const refPath = facts.isTag ? `refs/tags/${facts.ref}` : `refs/heads/${facts.ref}`;
  const namespace = facts.projectPath.split("/").slice(0, -1).join("/");
  return {
    namespace_id: "1",
    namespace_path: namespace,
    project_id: String(facts.projectId),
    project_path: facts.projectPath,
    project_visibility: "private",
    user_id: "1",
    user_login: facts.user.login,
    user_email: facts.user.email,
    pipeline_id: String(pipeline.id),
    pipeline_source: facts.source,
    job_id: String(job.id),
    ref: facts.ref,
    ref_type: facts.isTag ? "tag" : "branch",
    ref_path: refPath,
    ref_protected: String(isProtected(facts)),
    sha: facts.sha,
    runner_id: job.runner?.id ?? null,
    runner_environment: "self-hosted",
    ci_config_ref_uri: `${new URL(facts.serverUrl).host}/${facts.projectPath}//${facts.configPath}@${refPath}`,
    ci_config_sha: facts.sha,
    job_project_id: String(facts.projectId),
    job_project_path: facts.projectPath,
    user_access_level: "owner",
    ...(job.plan.environment === undefined
      ? {}
      : {
          environment: job.plan.environment.name,
          environment_action: job.plan.environment.action,
          environment_protected: "false",
        }),
  };
}

import { z } from "zod";
import type { SecretDefinition } from "./job-definition.ts";

/*
 * `secrets:`: where each of a job's secrets is kept. Each form is read into the fields of the payload
 * (runner-protocol.md §1.8.10) that come from the configuration; where the provider is, variables tell at hand-out.
 */

const text = z.string().min(1);

/** `production/db/password@ops`: path, field last, and the engine's mount; or the same as a mapping. */
const vault = z.union(
  [
    text.regex(/^.+\/[^/@]+(@.+)?$/).transform((reference) => {
      const [, path, field, mount = "kv-v2"] = /^(.+)\/([^/@]+)(?:@(.+))?$/.exec(reference) ?? [];
      return { engine: { name: "kv-v2", path: mount }, path, field };
    }),
    z.strictObject({ engine: z.strictObject({ name: text, path: text }), path: text, field: text }),
  ],
  { error: "expected path/field@engine, or a mapping with engine, path and field" },
);

const version = z.union([z.string(), z.number()]).transform(String);
const named = z.union(
  [text.transform((name) => ({ name })), z.strictObject({ name: text, version: version.optional() })],
  {
    error: "expected a mapping with name",
  },
);

/** `secret#field`, or the same as a mapping. */
const aws = z.union(
  [
    text.transform((reference) => {
      const [secretId = "", field] = reference.split("#");
      return { secret_id: secretId, ...(field === undefined ? {} : { field }) };
    }),
    z.strictObject({
      secret_id: text,
      version_id: text.optional(),
      version_stage: text.optional(),
      field: text.optional(),
      region: text.optional(),
      role_arn: text.optional(),
      role_session_name: text.optional(),
    }),
  ],
  { error: "expected secret#field, or a mapping with secret_id" },
);

const secret = z
  .strictObject({
    vault: vault.optional(),
    gcp_secret_manager: named.optional(),
    azure_key_vault: named.optional(),
    aws_secrets_manager: aws.optional(),
    gitlab_secrets_manager: z.unknown().optional(),
    file: z.boolean().default(true),
    token: text.optional(),
  })
  .transform(({ file, token, ...providers }, context): SecretDefinition => {
    const given = Object.entries(providers).filter(([, reference]) => reference !== undefined);
    const [only] = given;
    if (given.length === 1 && only !== undefined) {
      // Each provider's schema made a mapping of texts, and for Vault one of them inside.
      const reference = only[1] as SecretDefinition["reference"];
      return { provider: only[0] as SecretDefinition["provider"], reference, file, token };
    }
    context.addIssue({ code: "custom", message: `expected one provider, found ${given.length}` });
    return z.NEVER;
  });

/** Variable name → where its value is kept. */
export const secretsSchema = z
  .record(z.string(), secret, { error: "expected a mapping of names to secrets" })
  .transform((secrets) => new Map(Object.entries(secrets)));

import type { S3CacheConfig } from "../../../config/cache-config.ts";

/**
 * What a session of the cache's role may do: read or write one object, and use the key it is encrypted with.
 *
 * Written by `JSON.stringify`, so that no character of a cache key can change the policy. Rule: runner-protocol.md §3.7.
 */
export function sessionPolicy(
  { bucket, encryption }: Pick<S3CacheConfig, "bucket" | "encryption">,
  object: { readonly access: "read" | "write"; readonly objectName: string; readonly region: string },
): string {
  const resource = `arn:${partitionOf(object.region)}:s3:::${bucket}/${escapeWildcards(object.objectName)}`;
  const action = object.access === "read" ? "s3:GetObject" : "s3:PutObject";
  const statements: object[] = [{ Effect: "Allow", Action: [action], Resource: resource }];
  if (encryption?.keyId !== undefined) {
    statements.push({ Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: encryption.keyId });
  }
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** Source: AWS IAM user guide, ARNs. */
function partitionOf(region: string): string {
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  return region.startsWith("cn-") ? "aws-cn" : "aws";
}

/** `*`, `?` and `$` mean something in a resource's name; a policy writes them as variables. */
function escapeWildcards(name: string): string {
  return name.replace(/[*?$]/g, (character) => `\${${character}}`);
}

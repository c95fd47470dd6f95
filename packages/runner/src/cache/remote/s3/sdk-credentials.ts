import type { S3Credentials } from "../../../config/cache-config.ts";

/** The configured keys in the SDK's form; nothing for the SDK's default chain. */
export function sdkCredentials(credentials: S3Credentials | undefined) {
  if (credentials === undefined) return {};
  const { sessionToken, ...keys } = credentials;
  return { credentials: sessionToken === undefined ? keys : { ...keys, sessionToken } };
}

import { readFile } from "node:fs/promises";
import type { SecretSpec } from "./auth-spec.ts";
import { TokenSourceError } from "./token-source.ts";

/** @throws {TokenSourceError} when it cannot be read or is empty. */
export async function readSecret(spec: SecretSpec, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  switch (spec.kind) {
    case "value":
      return spec.value;
    case "env": {
      const value = env[spec.variable];
      if (value) return value;
      throw new TokenSourceError(`variable ${spec.variable} holds no secret`, { code: "malformed" });
    }
    case "file":
      return (await readSecretFile(spec.path)).trim();
  }
}

async function readSecretFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new TokenSourceError(`secret file ${path} cannot be read`, { code: "unavailable", cause });
  }
}

import { createHash } from "node:crypto";

/** GitLab's slug for refs, jobs and paths: lower case, `a-z0-9` and `-`, at most 63, no `-` at the ends. */
export function slug(text: string): string {
  const plain = text.toLowerCase().replaceAll(/[^a-z0-9]/g, "-");
  return plain.replace(/^-+/, "").slice(0, 63).replace(/-+$/, "");
}

/** GitLab's slug for environments: begins with a letter, at most 24, told apart by a hash when it had to be cut or changed. */
export function environmentSlug(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "-")
    .replaceAll(/-+/g, "-");
  const lettered = /^[a-z]/.test(plain) ? plain : `env-${plain}`;
  if (lettered.length <= 24 && lettered === name) return lettered.replace(/-$/, "");
  const hash = BigInt(`0x${createHash("sha256").update(name).digest("hex")}`)
    .toString(36)
    .slice(-6);
  return `${lettered.slice(0, 17).replace(/-$/, "")}-${hash}`;
}

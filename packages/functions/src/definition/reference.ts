/**
 * Where a function is, as written (ci-functions.md §2): known already, or only when the step's turn comes because it
 * holds expressions.
 */
export type FunctionReference = KnownReference | DynamicReference | ExpandedReference;

/** A reference without expressions. */
export type KnownReference = PathReference | GitReference | OciReference | BuiltinReference | ScriptReference;

/** A definition file inside a function's directory (§2.3). */
export interface DefinitionLocation {
  /** Slash separated, `""` for the root. */
  readonly directory: string;
  /** Undefined: `func.yml`, then `step.yml`. */
  readonly file: string | undefined;
}

export interface PathReference extends DefinitionLocation {
  readonly kind: "path";
  readonly written: string;
}

export interface GitReference extends DefinitionLocation {
  readonly kind: "git";
  /** With scheme; may carry user and password, which go nowhere but to the server. */
  readonly url: string;
  readonly revision: string;
}

export interface OciReference extends DefinitionLocation {
  readonly kind: "oci";
  /** Host, with port when one was given. */
  readonly registry: string;
  readonly repository: string;
  /** Tag, or `sha256:…` digest. */
  readonly version: string;
}

export interface BuiltinReference {
  readonly kind: "builtin";
  /** What follows `builtin://` or `dist://`. */
  readonly name: string;
}

/** The built-in behind script steps (§1.4). */
interface ScriptReference {
  readonly kind: "script";
}

/** A string with expressions; any string form once evaluated (§2.2). */
interface DynamicReference {
  readonly kind: "dynamic";
  readonly template: string;
}

/** `{ git: … }` or `{ oci: … }`, whose values may hold expressions (§2.4, §2.5, §3.4). */
interface ExpandedReference {
  readonly kind: "expanded";
  readonly protocol: "git" | "oci";
  readonly fields: ReadonlyMap<string, string>;
}

/** What one may tell others about a reference: no credentials, the version apart (telemetry.md §2). */
export interface ReferenceDescription {
  readonly kind: "path" | "git" | "oci" | "builtin" | "script" | "unknown";
  readonly name: string;
  readonly version: string;
}

/** @param engineVersion the version of what ships with the engine. */
export function describeReference(reference: FunctionReference, engineVersion: string): ReferenceDescription {
  switch (reference.kind) {
    case "path":
      return { kind: "path", name: reference.written, version: "" };
    case "git":
      return { kind: "git", name: describeGit(reference), version: reference.revision };
    case "oci":
      return { kind: "oci", name: describeOci(reference), version: reference.version };
    case "builtin":
      return { kind: "builtin", name: `builtin://${reference.name}`, version: engineVersion };
    case "script":
      return { kind: "script", name: "script", version: engineVersion };
    case "dynamic":
      return { kind: "unknown", name: redactCredentials(reference.template), version: "" };
    case "expanded":
      return { kind: "unknown", name: redactCredentials([...reference.fields.values()].join(" ")), version: "" };
  }
}

function describeGit(reference: GitReference): string {
  const path = [reference.directory, reference.file ?? ""].filter((part) => part !== "").join("/");
  return `${gitLocation(reference.url)}${path === "" ? "" : `/-/${path}`}`;
}

function describeOci(reference: OciReference): string {
  const path = [reference.directory, reference.file ?? ""].filter((part) => part !== "").join("/");
  return `${reference.registry}/${reference.repository}${path === "" ? "" : ` ${path}`}`;
}

/** Host and path of a Git URL: no scheme, credentials, query or fragment. */
export function gitLocation(url: string): string {
  return redactCredentials(url)
    .replace(/^[a-z]+:\/\//i, "")
    .replace(/[?#].*$/, "");
}

/** Takes `user:password@` out of every URL-like piece of a text. */
export function redactCredentials(text: string): string {
  return text.replace(/(^|[\s'"]|:\/\/)[^/\s'"@]*(?:@[^/\s'"@]*)*@(?=[^/\s'"@]+\/)/g, "$1");
}

import { isTemplate } from "../expression/template.ts";
import { FunctionError } from "../function-error.ts";
import {
  type DefinitionLocation,
  type FunctionReference,
  type KnownReference,
  type OciReference,
  redactCredentials,
} from "./reference.ts";

const defaultRegistry = "registry.gitlab.com"; // ci-functions.md §2.5
const digestSuffix = /@sha256:[0-9a-f]{64}$/;

/**
 * Reads the string form of a reference by the order of ci-functions.md §2.2.
 *
 * @throws {FunctionError} `invalid_reference`; its message holds no credentials.
 */
export function parseReference(text: string): FunctionReference {
  return isTemplate(text) ? { kind: "dynamic", template: text } : parseKnownReference(text);
}

/** As {@link parseReference}, for a text whose expressions are evaluated: `${{` in it is plain text. */
export function parseKnownReference(text: string): KnownReference {
  const trimmed = text.trim();
  if (/^[./]/.test(trimmed)) return { kind: "path", written: trimmed, ...splitPath(trimmed) };
  const builtin = /^(?:builtin|dist):\/\/(.*)$/.exec(trimmed);
  if (builtin) return { kind: "builtin", name: (builtin[1] ?? "").split("/").filter(Boolean).join("/") };
  return parseGit(trimmed) ?? parseOci(trimmed) ?? refuse(trimmed);
}

function refuse(text: string): never {
  const shown = redactCredentials(text);
  throw new FunctionError(
    `"${shown}" is no reference to a function; expected a path beginning with . or /, builtin://name, ` +
      "registry/image:tag, or host/path@revision",
    { code: "invalid_reference" },
  );
}

/** Splits directory and file name: only a last segment ending in `.yml` names a file (§2.3). */
export function splitPath(path: string): DefinitionLocation {
  const segments = path.split("/").filter(Boolean);
  const last = segments.at(-1);
  const file = last?.endsWith(".yml") ? last : undefined;
  const directories = file === undefined ? segments : segments.slice(0, -1);
  return { directory: (path.startsWith("/") ? "/" : "") + directories.join("/"), file };
}

/** `[scheme://][user:password@]host/path[/-/dir/file.yml]@rev`; the function is below the folder `steps` (§2.4). */
function parseGit(text: string): KnownReference | undefined {
  if (digestSuffix.test(text) || /\s/.test(text)) return undefined;
  const at = text.lastIndexOf("@");
  const revision = text.slice(at + 1);
  if (at <= 0 || revision === "") return undefined;
  const [repository = "", ...paths] = text.slice(0, at).split("/-/");
  if (!/^(?:[a-z]+:\/\/)?[^/]+\/[^/]/i.test(repository)) return undefined;
  const inside = splitPath(paths.join("/-/"));
  return {
    kind: "git",
    url: gitUrl(repository),
    revision: gitRevision(revision),
    directory: ["steps", inside.directory].filter(Boolean).join("/"),
    file: inside.file,
  };
}

function gitUrl(written: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `https://${written}`;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new FunctionError(`"${redactCredentials(url)}" is no http or https URL of a Git repository`, {
      code: "invalid_reference",
    });
  }
  return url;
}

/** Names git could take for an option or that it refuses itself never reach it. */
function gitRevision(revision: string): string {
  if (revision === ".git" || revision.startsWith("-") || /[\s~^:?*[\\\p{Cc}]|\.\./u.test(revision)) {
    throw new FunctionError(`"${redactCredentials(revision)}" is no Git tag, branch or commit`, {
      code: "invalid_reference",
    });
  }
  return revision;
}

const registryHost = /^(?:localhost|[a-z0-9.-]+\.[a-z0-9.-]+|[a-z0-9.-]+(?=:)|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/i;
const repositoryPath = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digest = /^sha256:[0-9a-f]{64}$/;

/** `<image>[ <path>]` (§2.5). */
function parseOci(text: string): OciReference | undefined {
  const [image = "", ...paths] = text.split(" ");
  const parsed = parseImage(image);
  return parsed && { kind: "oci", ...parsed, ...splitPath(paths.join(" ").trim()) };
}

/** A container reference; the first component is a registry when it has a dot or a port, or is `localhost`. */
function parseImage(image: string): Pick<OciReference, "registry" | "repository" | "version"> | undefined {
  const [, named = "", pinned] = /^([^@]*)(?:@(.*))?$/.exec(image) ?? [];
  const slash = named.indexOf("/");
  const hasRegistry = slash > 0 && /[.:]|^localhost$/.test(named.slice(0, slash));
  const registry = hasRegistry ? named.slice(0, slash) : defaultRegistry;
  const [, repository = "", tag] = /^([^:]*)(?::(.*))?$/.exec(named.slice(hasRegistry ? slash + 1 : 0)) ?? [];
  const version = pinned ?? tag ?? "latest";
  const validVersion = pinned === undefined ? tagName.test(version) : digest.test(version);
  if (!registryHost.test(registry) || !repositoryPath.test(repository) || !validVersion) return undefined;
  return { registry, repository, version };
}

/**
 * Reads the name of a repository in a registry, without tag or digest.
 *
 * @throws {FunctionError} `invalid_reference`
 */
export function parseRepository(text: string): Pick<OciReference, "registry" | "repository"> {
  const image = /[\s@]|:[^/]*$/.test(text) ? undefined : parseImage(text);
  if (image !== undefined) return { registry: image.registry, repository: image.repository };
  throw new FunctionError(
    `${JSON.stringify(redactCredentials(text))} is no repository such as registry.example.com/group/function`,
    {
      code: "invalid_reference",
    },
  );
}

/** What each expanded form takes (§2.4, §2.5). */
export const expandedFields = {
  git: { required: ["url", "rev"], optional: ["dir", "file"] },
  oci: { required: ["registry", "repository", "tag"], optional: ["dir", "file"] },
} as const;

/**
 * Reads an expanded form whose expressions are evaluated. `dir` starts at the root: no `steps` folder here (§2.4).
 *
 * @throws {FunctionError} `invalid_reference`
 */
export function parseExpandedReference(protocol: "git" | "oci", fields: ReadonlyMap<string, string>): KnownReference {
  const field = (name: string) => fields.get(name) ?? "";
  const inside = {
    directory: field("dir").split("/").filter(Boolean).join("/"),
    file: field("file") === "" ? undefined : field("file"),
  };
  if (protocol === "git") {
    return { kind: "git", url: gitUrl(field("url")), revision: gitRevision(field("rev")), ...inside };
  }
  const name = `${field("registry")}/${field("repository")}`;
  const tag = field("tag") === "" ? "latest" : field("tag");
  const image = parseImage(`${name}:${tag}`) ?? parseImage(`${name}@${tag}`);
  if (image === undefined || image.registry !== field("registry")) refuse(`${name}:${tag}`);
  return { kind: "oci", ...image, ...inside };
}

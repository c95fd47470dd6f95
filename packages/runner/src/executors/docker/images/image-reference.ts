/** The parts of an image's name. */
export interface ImageReference {
  /** Name as written, without tag and digest. */
  readonly name: string;
  /** Host and path as registries know it: `docker.io/library/alpine`. */
  readonly repository: string;
  /** `undefined` when neither tag nor digest is given: `latest` is meant then. */
  readonly tag: string | undefined;
  /** `sha256:…` */
  readonly digest: string | undefined;
}

/**
 * Reads `[registry[:port]/]path[:tag][@digest]`.
 *
 * Rule: runner-protocol.md §4.5, §4.6: a name without a registry is one of Docker Hub's, the host is in lower case.
 */
export function parseImageReference(text: string): ImageReference {
  const [beforeDigest = "", digest] = splitOnce(text, "@");
  const lastSlash = beforeDigest.lastIndexOf("/");
  const colon = beforeDigest.indexOf(":", lastSlash + 1);
  const name = colon === -1 ? beforeDigest : beforeDigest.slice(0, colon);
  const tag = colon === -1 ? undefined : beforeDigest.slice(colon + 1);
  return { name, repository: repositoryOf(name), tag: tag === "" ? undefined : tag, digest };
}

/**
 * Whether an image can have this name. Others are not sent to the engine, whose addresses they would be part of.
 *
 * Rule: the grammar of references of the OCI Distribution Specification, ids of images included.
 */
export function isImageReference(text: string): boolean {
  return reference.test(text) || /^sha256:[0-9a-f]{64}$/.test(text);
}

/** In either case: of a capital letter the engine says more. */
const component = "[a-zA-Z0-9]+(?:(?:[._]|__|-+)[a-zA-Z0-9]+)*";
const host = "(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?";
const reference = new RegExp(
  `^(?:${host}/)?${component}(?:/${component})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-zA-Z0-9_+.-]+:[0-9a-fA-F]{32,})?$`,
);

/** The name by which the engine is asked. A name without tag and digest would fetch every tag there is. */
export function pullNameOf(text: string): string {
  const { tag, digest } = parseImageReference(text);
  return tag === undefined && digest === undefined ? `${text}:latest` : text;
}

const hub = "docker.io";
const hubHosts: ReadonlySet<string> = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

function repositoryOf(name: string): string {
  const [first = "", rest] = splitOnce(name, "/");
  const isHost = rest !== undefined && (/[.:]/.test(first) || first === "localhost");
  const host = isHost ? first.toLowerCase() : hub;
  const path = isHost ? rest : name;
  if (!hubHosts.has(host)) return `${host}/${path}`;
  return path.includes("/") ? `${hub}/${path}` : `${hub}/library/${path}`;
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

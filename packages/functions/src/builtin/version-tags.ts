/** `major.minor.patch[-suffix]` */
const semanticVersion = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?$/;

export function isSemanticVersion(text: string): boolean {
  return semanticVersion.test(text);
}

type Release = readonly [major: number, minor: number, patch: number];

/**
 * Tags to write when a version is published (ci-functions.md §2.7): the exact one always; `major.minor`, `major` and
 * `latest` as long as nothing higher is published that they should name. A pre-release writes only its exact tag.
 *
 * @param published tags that exist; those that are not plain `x.y.z` are ignored.
 */
export function tagsToWrite(version: string, published: readonly string[]): string[] {
  const release = parseRelease(version);
  if (release === undefined) return [version];
  const [major, minor, patch] = release;
  const releases = published.map(parseRelease).filter((other) => other !== undefined);
  const sameMajor = releases.filter((other) => other[0] === major);
  const tags = [version];
  if (sameMajor.some((other) => other[1] === minor && other[2] > patch)) return tags;
  tags.push(`${major}.${minor}`);
  if (sameMajor.some((other) => other[1] > minor)) return tags;
  tags.push(`${major}`);
  if (releases.some((other) => other[0] > major)) return tags;
  return [...tags, "latest"];
}

function parseRelease(tag: string): Release | undefined {
  const [, major, minor, patch, suffix] = semanticVersion.exec(tag) ?? [];
  if (patch === undefined || suffix !== undefined) return undefined;
  return [Number(major), Number(minor), Number(patch)];
}

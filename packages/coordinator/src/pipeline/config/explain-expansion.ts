import { stripVTControlCharacters } from "node:util";
import { revealInMessage } from "./hidden-keywords.ts";

/** What the expansion and its git say beside what matters: stacks, and that a work tree without commits is odd. */
const noise = [
  /^at /,
  /^(Using fallback|Unable to retrieve|Command failed with exit code|fatal: ref|error: No such remote)/,
  /^(fatal: ambiguous argument 'HEAD'|Use '--' to separate|'git <command>|HEAD$)/,
];

const templatePlace = "https://gitlab.com/gitlab-org/gitlab/-/raw/HEAD/lib/gitlab/ci/templates/";

/** The expansion's own words for an include that cannot be had → a user's words. */
const translations: readonly (readonly [RegExp, (match: RegExpExecArray, remoteUrl: string | undefined) => string])[] =
  [
    [
      /Local include file cannot be found (\S+)/,
      ([, file = ""]) => `include: local: there is no file ${file} in this repository`,
    ],
    [
      /Project include could not be fetched \{ project: (.+?), ref: (.+?), file: (.+?) \}(.*)/s,
      ([, project, ref, file, rest = ""], remoteUrl) => {
        const from = remoteUrl === undefined ? "this repository has no origin to fetch it from" : reasonOf(rest);
        return `include: project ${project} (file ${file}, ref ${ref}) could not be fetched: ${from}`;
      },
    ],
    [
      /Remote include could not be fetched (\S+) ?(.*)/s,
      ([, url = "", rest = ""]) =>
        url.startsWith(templatePlace)
          ? `include: template ${url.slice(templatePlace.length)} is fetched from gitlab.com, which failed: ${reasonOf(rest)}`
          : `include: remote ${url} could not be fetched: ${reasonOf(rest)}`,
    ],
    [
      /git ls-remote --tags '([^']*)'(.*)/s,
      ([, url, rest = ""]) => `include: component of ${url} could not be fetched: ${reasonOf(rest)}`,
    ],
  ];

/**
 * One sentence for the error output of `gitlab-ci-local`.
 * @param remoteUrl the user's `origin`, from where `include: project` is fetched.
 */
export function explainExpansion(stderr: string, remoteUrl: string | undefined): string {
  const lines = stripVTControlCharacters(stderr)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !noise.some((pattern) => pattern.test(line)));
  const text = lines.join(" ").replace(/^AssertionError[^:]*: /, "");
  for (const [pattern, say] of translations) {
    const match = pattern.exec(text);
    if (match !== null) return say(match, remoteUrl);
  }
  return revealInMessage(text === "" ? "the expansion failed and did not say why" : text);
}

/** Of what git or the network said, the last thing. */
function reasonOf(text: string): string {
  const said = /(?:fatal|Error): (?!.*(?:fatal|Error): )(.*)$/s.exec(text)?.[1] ?? text;
  return said.trim() === "" ? "it did not say why" : said.trim();
}

import { basename } from "node:path";

/**
 * `group/project` of a repository: from its `origin`, so that scripts see what they see in GitLab, else `local/<folder>`.
 *
 * Examples: `git@gitlab.com:group/sub/project.git` → `group/sub/project`; `https://host/group/project` → `group/project`;
 * `/srv/repos/project.git` → `local/project`.
 */
export function projectPathOf(originUrl: string | undefined, topLevel: string): string {
  const path = originUrl === undefined ? undefined : pathOfUrl(originUrl);
  const parts = (path ?? "")
    .replace(/\.git\/?$/, "")
    .split("/")
    .filter((part) => part !== "");
  if (parts.length >= 2 && parts.every((part) => /^[\w.-]+$/.test(part) && part !== ".." && part !== "."))
    return parts.join("/");
  const folder = basename(topLevel, ".git")
    .replaceAll(/[^\w.-]/g, "-")
    .replace(/^[.-]+/, "");
  return `local/${folder === "" ? "project" : folder}`;
}

function pathOfUrl(url: string): string | undefined {
  if (/^[a-z+]+:\/\//i.test(url)) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    return parsed?.protocol === "file:" ? undefined : parsed?.pathname;
  }
  return /^[^/:]+:(?!\/\/)(.*)$/.exec(url)?.[1];
}

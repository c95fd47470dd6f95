import { slug } from "./slug.ts";
import { type Variable, variable } from "./variable.ts";

/** What the predefined variables of a whole pipeline are made of. */
export interface PipelineFacts {
  readonly serverUrl: string;
  readonly projectId: number;
  /** `group/project`. */
  readonly projectPath: string;
  readonly sha: string;
  /** `0000…` when there is none. */
  readonly beforeSha: string;
  readonly ref: string;
  readonly isTag: boolean;
  /** Of an annotated tag. */
  readonly tagMessage?: string | undefined;
  readonly defaultBranch: string;
  readonly source: string;
  readonly configPath: string;
  readonly commit: {
    readonly message: string;
    /** `Name <mail>`. */
    readonly author: string;
    /** ISO 8601. */
    readonly timestamp: string;
  };
  readonly user: { readonly name: string; readonly email: string; readonly login: string };
}

/** A pipeline of a thousand jobs asks for the same ones a thousand times. */
const known = new WeakMap<PipelineFacts, readonly Variable[]>();

/**
 * Predefined variables that exist before the pipeline does, which is all that `rules` can see.
 * Rule: GitLab's reference "Predefined CI/CD variables"; runner-protocol.md §9.1 #8.
 */
export function factsAsVariables(facts: PipelineFacts): readonly Variable[] {
  const variables = known.get(facts) ?? [
    ...serverVariables(facts),
    ...projectVariables(facts),
    ...commitVariables(facts),
    ...userVariables(facts),
  ];
  known.set(facts, variables);
  return variables;
}

function serverVariables({ serverUrl }: PipelineFacts): Variable[] {
  const url = new URL(serverUrl);
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return [
    variable("CI", "true"),
    variable("GITLAB_CI", "true"),
    variable("CI_SERVER", "yes"),
    variable("CI_SERVER_NAME", "Jobscope"),
    variable("CI_SERVER_URL", serverUrl),
    variable("CI_SERVER_HOST", url.hostname),
    variable("CI_SERVER_PORT", port),
    variable("CI_SERVER_PROTOCOL", url.protocol.replace(":", "")),
    variable("CI_SERVER_FQDN", url.host),
    variable("CI_SERVER_SHELL_SSH_HOST", url.hostname),
    variable("CI_SERVER_SHELL_SSH_PORT", "22"),
    variable("CI_SERVER_VERSION", "18.0.0"),
    variable("CI_SERVER_VERSION_MAJOR", "18"),
    variable("CI_SERVER_VERSION_MINOR", "0"),
    variable("CI_SERVER_VERSION_PATCH", "0"),
    variable("CI_SERVER_REVISION", "jobscope"),
    variable("CI_API_V4_URL", `${serverUrl}/api/v4`),
    variable("CI_API_GRAPHQL_URL", `${serverUrl}/api/graphql`),
    variable("CI_TEMPLATE_REGISTRY_HOST", "registry.gitlab.com"),
    variable("GITLAB_FEATURES", ""),
  ];
}

function projectVariables({ serverUrl, projectPath, projectId, defaultBranch, configPath }: PipelineFacts): Variable[] {
  const parts = projectPath.split("/");
  const name = parts.at(-1) ?? projectPath;
  const namespace = parts.slice(0, -1).join("/");
  return [
    variable("CI_PROJECT_ID", String(projectId)),
    variable("CI_PROJECT_NAME", name),
    variable("CI_PROJECT_TITLE", name),
    variable("CI_PROJECT_DESCRIPTION", ""),
    variable("CI_PROJECT_PATH", projectPath),
    variable("CI_PROJECT_PATH_SLUG", slug(projectPath)),
    variable("CI_PROJECT_NAMESPACE", namespace),
    variable("CI_PROJECT_NAMESPACE_ID", "1"),
    variable("CI_PROJECT_NAMESPACE_SLUG", slug(namespace)),
    variable("CI_PROJECT_ROOT_NAMESPACE", parts[0] ?? ""),
    variable("CI_PROJECT_URL", `${serverUrl}/${projectPath}`),
    variable("CI_PROJECT_VISIBILITY", "private"),
    variable("CI_PROJECT_REPOSITORY_LANGUAGES", ""),
    variable("CI_PROJECT_CLASSIFICATION_LABEL", ""),
    variable("CI_DEFAULT_BRANCH", defaultBranch),
    variable("CI_DEFAULT_BRANCH_SLUG", slug(defaultBranch)),
    variable("CI_CONFIG_PATH", configPath),
  ];
}

function commitVariables(facts: PipelineFacts): Variable[] {
  const { commit, ref, sha, isTag } = facts;
  const [title = "", ...rest] = commit.message.split("\n");
  return [
    variable("CI_COMMIT_SHA", sha),
    variable("CI_COMMIT_SHORT_SHA", sha.slice(0, 8)),
    variable("CI_COMMIT_BEFORE_SHA", facts.beforeSha),
    variable("CI_COMMIT_REF_NAME", ref),
    variable("CI_COMMIT_REF_SLUG", slug(ref)),
    variable("CI_COMMIT_REF_PROTECTED", String(isProtected(facts))),
    isTag ? variable("CI_COMMIT_TAG", ref) : variable("CI_COMMIT_BRANCH", ref),
    ...(isTag ? [variable("CI_COMMIT_TAG_MESSAGE", facts.tagMessage ?? "", { raw: true })] : []),
    variable("CI_COMMIT_MESSAGE", commit.message, { raw: true }),
    variable("CI_COMMIT_TITLE", title, { raw: true }),
    variable("CI_COMMIT_DESCRIPTION", rest.join("\n").trim(), { raw: true }),
    variable("CI_COMMIT_AUTHOR", commit.author, { raw: true }),
    variable("CI_COMMIT_TIMESTAMP", commit.timestamp),
    variable("CI_PIPELINE_SOURCE", facts.source),
  ];
}

function userVariables({ user }: PipelineFacts): Variable[] {
  return [
    variable("GITLAB_USER_ID", "1"),
    variable("GITLAB_USER_LOGIN", user.login, { raw: true }),
    variable("GITLAB_USER_NAME", user.name, { raw: true }),
    variable("GITLAB_USER_EMAIL", user.email, { raw: true }),
  ];
}

/** The default branch is protected and nothing else, as in a new GitLab project. */
export function isProtected(facts: PipelineFacts): boolean {
  return !facts.isTag && facts.ref === facts.defaultBranch;
}

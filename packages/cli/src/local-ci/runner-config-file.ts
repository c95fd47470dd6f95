import type { OtlpEndpoint } from "./otlp-endpoint.ts";

/** What the runner of `exec` and `up` is to be. */
export interface RunnerSettings {
  readonly coordinatorUrl: string;
  readonly runnerToken: string;
  /** Of the runner whose jobs run in containers; `undefined`: there is none. */
  readonly dockerRunnerToken: string | undefined;
  readonly name: string;
  /** Jobs at once. */
  readonly concurrent: number;
  readonly buildsDir: string;
  readonly cacheDir: string;
  /** The user's own `PATH`: a login shell would put the system's in its place, without the user's tools. */
  readonly path: string | undefined;
  /** Telemetry endpoints beside those that job payloads bring. */
  readonly otlpEndpoints: readonly OtlpEndpoint[];
}

/**
 * The text of a `config.toml` (runner-protocol.md §6). The runner of `exec` reads its configuration from a file as any
 * other does: there is no second way in.
 */
export function runnerConfigFile(runner: RunnerSettings): string {
  const { path } = runner;
  return `${[
    `concurrent = ${runner.concurrent}`,
    "check_interval = 1",
    "",
    "[telemetry]",
    'endpoint_policy = "add"',
    ...runner.otlpEndpoints.flatMap(endpointLines),
    "",
    "[[runners]]",
    `name = ${quoted(runner.name)}`,
    `url = ${quoted(runner.coordinatorUrl)}`,
    `token = ${quoted(runner.runnerToken)}`,
    'executor = "shell"',
    'shell = "bash"',
    // Every free worker holds a job request open, so that a job starts the moment it can.
    `request_concurrency = ${runner.concurrent}`,
    `builds_dir = ${quoted(runner.buildsDir)}`,
    `cache_dir = ${quoted(runner.cacheDir)}`,
    ...(path === undefined ? [] : [`environment = [${quoted(`PATH=${path.replaceAll("$", "$$$$")}`)}]`]),
    ...dockerRunnerLines(runner),
  ].join("\n")}\n`;
}

/** Caches outlive the pipeline in a volume of their own; nothing else does. */
function dockerRunnerLines({ dockerRunnerToken, name, coordinatorUrl, concurrent }: RunnerSettings): string[] {
  if (dockerRunnerToken === undefined) return [];
  return [
    "",
    "[[runners]]",
    `name = ${quoted(name)}`,
    `url = ${quoted(coordinatorUrl)}`,
    `token = ${quoted(dockerRunnerToken)}`,
    'executor = "docker"',
    `request_concurrency = ${concurrent}`,
    "[runners.docker]",
    // On a laptop an image that is there will do, with or without a network.
    'pull_policy = ["if-not-present"]',
    'allowed_pull_policies = ["always", "if-not-present", "never"]',
    'volumes = ["jobscope-cache:/cache"]',
    "disable_cache = true",
    // The coordinator listens on this machine's loopback.
    'helper_network_mode = "host"',
  ];
}

function endpointLines({ url, headers, proxyUrl }: OtlpEndpoint): string[] {
  const fields = Object.entries(headers).map(([name, value]) => `${quoted(name)} = ${quoted(verbatim(value))}`);
  const proxy = `proxy = ${quoted(verbatim(proxyUrl ?? ""))}`;
  const lines = ["", "[[telemetry.endpoints]]", `url = ${quoted(verbatim(url))}`, proxy];
  return fields.length === 0 ? lines : [...lines, `headers = { ${fields.join(", ")} }`];
}

/** `$` begins a reference to an environment variable in these values; `$$` is a plain one. */
function verbatim(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** A TOML basic string. JSON's escapes are among TOML's, but for DEL, which JSON leaves as it is. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

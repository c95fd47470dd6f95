import { runnerVersion } from "../runner-version.ts";

/** The image that stages of ours run in when a job has containers. */
export interface HelperImage {
  /** `jobscope-helper:x86_64-0.1.0` */
  readonly name: string;
  readonly id: string;
  readonly sizeBytes: number;
}

/** The helper program in the image; see `ExecutorSession.runHelper`. */
export const helperProgram = "/usr/bin/jobscope-helper";

/** The argument that makes it wait for a port: `await-port <ms> <host>:<port>…`; exit code 1 when none answers. */
export const awaitPortCommand = "await-port";

/** A statically linked busybox in the image, which runs in any container it is copied to. */
export const staticBusybox = "/usr/lib/jobscope/busybox";

/** Labels of the image: digests of all that is in it and of our program, and the image it was made from. */
export const helperImageLabels = {
  content: "dev.jobscope.helper.content",
  program: "dev.jobscope.helper.program",
  base: "dev.jobscope.helper.base",
} as const;

/** GitLab's names of architectures in its helper images, by Go's. Rule: runner-protocol.md §4.3. */
const architectureNames: Readonly<Record<string, string>> = { amd64: "x86_64" };

/** What a user who lacks the image is told. */
export const howToMakeHelperImage =
  'Make it with "jobscope helper-image" (in a checkout: npm run helper-image), or name another with helper_image in config.toml';

/** @param architecture of the engine, by Go's name: `amd64`. */
export function helperImageName(architecture: string): string {
  return `jobscope-helper:${architectureNames[architecture] ?? architecture}-${runnerVersion}`;
}

/** Examples: `a/b:1` → `a/b`, `1`; `host:5000/a` → `host:5000/a`, `latest`. */
export function splitImageName(name: string): { readonly repo: string; readonly tag: string } {
  const [, repo = name, tag = "latest"] = /^(.+):([^:/]+)$/.exec(name) ?? [];
  return { repo, tag };
}

import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { lstat, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { CollectedFiles } from "../archive/collect-files.ts";
import { regularFiles } from "../archive/write-gzip.ts";

/** Where artifacts come from, as plain data. Times as in `2026-11-28T14:00:00Z`. */
export interface Provenance {
  /** How the runner names itself, and its version. */
  readonly runner: { readonly product: string; readonly version: string; readonly id: number; readonly name: string };
  readonly executor: string;
  /** Go's name. */
  readonly architecture: string;
  /** Address of the repository, without credentials. */
  readonly repositoryUrl: string;
  readonly sha: string;
  readonly job: { readonly id: number; readonly name: string };
  /** Names of the job's variables; values are nobody's business. */
  readonly variables: readonly string[];
  readonly startedAt: string;
}

export interface ProvenanceRequest {
  readonly directory: string;
  /** Name of the artifacts: the file is called `<name>-metadata.json`. */
  readonly name: string;
  readonly files: CollectedFiles;
  readonly provenance: Provenance;
  readonly signal: AbortSignal;
}

/**
 * Writes the provenance of artifacts beside them: an in-toto statement about the digest of each of their files.
 *
 * @returns its path below the directory, and what to archive it by.
 *
 * Rule: runner-protocol.md §3.8; https://slsa.dev/spec/v1.0/provenance.
 */
export async function writeProvenance(request: ProvenanceRequest): Promise<[file: string, stats: Stats]> {
  const { directory, name, files, provenance, signal } = request;
  const subjects: Subject[] = [];
  for (const [file] of regularFiles(files)) {
    subjects.push({ name: file, digest: { sha256: await digestOf(path.join(directory, file), signal) } });
  }
  const file = `${name}-metadata.json`;
  const target = path.join(directory, file);
  const statement = statementOf(subjects, provenance, rfc3339(new Date()));
  await writeFile(target, JSON.stringify(statement, undefined, 1));
  return [file, await lstat(target)];
}

interface Subject {
  readonly name: string;
  readonly digest: { readonly sha256: string };
}

function statementOf(subject: readonly Subject[], provenance: Provenance, finishedOn: string): object {
  const { runner, executor, architecture, repositoryUrl, sha, job, variables, startedAt } = provenance;
  return {
    _type: "https://in-toto.io/Statement/v0.1",
    predicateType: "https://slsa.dev/provenance/v1",
    subject,
    predicate: {
      buildDefinition: {
        buildType: `https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v${runner.version}/PROVENANCE.md`,
        externalParameters: {
          source: repositoryUrl,
          entryPoint: job.name,
          variables: Object.fromEntries(variables.map((variable) => [variable, ""])),
        },
        internalParameters: { name: runner.name, executor, architecture, job: String(job.id) },
        resolvedDependencies: [{ uri: repositoryUrl, digest: { sha256: sha } }],
      },
      runDetails: {
        builder: {
          id: `${repositoryUrl}/-/runners/${runner.id}`,
          version: { [runner.product]: runner.version },
        },
        metadata: { invocationId: String(job.id), startedOn: startedAt, finishedOn },
      },
    },
  };
}

/** Whole seconds in UTC. */
export function rfc3339(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}

async function digestOf(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash, { signal });
  return hash.digest("hex");
}

import type { Log } from "@jobscope/labkit";
import type Dockerode from "dockerode";
import { followProgress } from "./follow-progress.ts";
import { splitImageName } from "./helper-image.ts";
import { type ImageEntry, sendTar } from "./image-entry.ts";

export interface ImageRequest {
  readonly name: string;
  readonly entries: readonly ImageEntry[];
  readonly labels: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Makes an image of these entries and nothing else. */
export async function importRoot(docker: Dockerode, { name, entries, labels, signal }: ImageRequest): Promise<void> {
  const { repo, tag } = splitImageName(name);
  await sendTar(entries, async (tar) => {
    const options = { repo, tag, changes: configurationOf(labels), abortSignal: signal };
    await followProgress(docker, await docker.importImage(tar, options));
  });
}

/** How containers of the image begin, as instructions of a Dockerfile. Scripts set up all else. */
export function configurationOf(labels: Readonly<Record<string, string>>): string[] {
  return [
    "ENTRYPOINT []",
    'CMD ["/bin/sh"]',
    "USER 0",
    "WORKDIR /",
    ...Object.entries(labels).map(([name, value]) => `LABEL ${name}=${JSON.stringify(value)}`),
  ];
}

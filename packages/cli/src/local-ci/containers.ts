import type { Log } from "@jobscope/labkit";
import { findDockerEngine, makeHelperImage } from "@jobscope/runner";

/** Why jobs cannot run in containers here; `undefined` when they can. */
export async function whyNoContainers(): Promise<string | undefined> {
  const engine = await findDockerEngine();
  return engine.kind === "answers" ? undefined : `No Docker Engine answers: ${engine.why}`;
}

/** Makes what containers need beside their images, unless it is there. @throws {HelperImageError} */
export async function prepareContainers(options: {
  readonly log: Log;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { log, note, signal } = options;
  const { name, isNew } = await makeHelperImage(
    { onMake: () => note("Making the helper image, once …") },
    { log, signal },
  );
  if (isNew) note(`Made ${name}.`);
}

import { runnerVersion } from "../../runner-version.ts";

/** How our helper program is started in the helper image (`helper/main.ts`). */
export const helperCommand: readonly string[] = ["jobscope-helper"];

/** The image that `npm run helper-image` makes. */
export const defaultHelperImage = `jobscope-helper:x86_64-${runnerVersion}`;

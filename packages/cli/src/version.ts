import { readFileSync } from "node:fs";

const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** The version of the `jobscope` command, as its package says. */
export const cliVersion = String((manifest as { version: unknown }).version);

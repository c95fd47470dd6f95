import { readFileSync } from "node:fs";

/** Version of this package: what built-in functions and script steps report as theirs. */
export const engineVersion: string = (
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }
).version;

import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };

/** Version of this runner, as in its package manifest; sent in `info.version` and said in the job log's first line. */
export const runnerVersion: string = manifest.version;

/** `info.revision` and the word in brackets of the job log's first line: releases carry no commit id. */
export const runnerRevision = "HEAD";

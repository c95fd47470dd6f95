#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { baseDirectory, readEnvironment } from "./process-environment.ts";

// Loading takes half the time when the compiled code of an earlier start is found. Where that cannot be kept, it takes
// as long as before.
enableCompileCache(join(baseDirectory(readEnvironment(), "cache"), "jobscope", "compiled"));
const { runCommandLine } = await import("./run-command-line.ts");

const exitCode = await runCommandLine(process.argv.slice(2));
// Whatever a command forgot to close must not keep the user waiting; what was written is out by then.
process.stdout.write("", () => process.stderr.write("", () => process.exit(exitCode)));

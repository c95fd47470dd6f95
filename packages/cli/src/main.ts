#!/usr/bin/env node
import { runCommandLine } from "./run-command-line.ts";

const exitCode = await runCommandLine(process.argv.slice(2));
// Whatever a command forgot to close must not keep the user waiting; what was written is out by then.
process.stdout.write("", () => process.stderr.write("", () => process.exit(exitCode)));

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const isSource = import.meta.url.endsWith(".ts");

/** The helper program as one file for Node.js: from the build, or made now where the sources run as they are. */
export async function helperBundle(): Promise<string> {
  if (!isSource) return await readFile(new URL("../helper/bundle.cjs", import.meta.url), "utf8");
  return await bundleHelper(fileURLToPath(new URL("../helper/main.ts", import.meta.url)));
}

/**
 * Makes one file of a program and all it imports.
 *
 * The format is CommonJS: as an ES module the program would take twice as long to start, since importing some of Node's
 * own modules that way loads everything they could give.
 *
 * @param entry main file, in TypeScript or JavaScript.
 */
export async function bundleHelper(entry: string): Promise<string> {
  // A development dependency: what is published has the bundle.
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    conditions: ["jobscope-source"],
    legalComments: "none",
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    define: { "import.meta.url": "importMetaUrl" },
    logLevel: "silent",
    write: false,
  });
  const [only] = outputFiles;
  if (only === undefined) throw new Error("esbuild made no file");
  return only.text;
}

/**
 * Builds what is published: for every package, `dist/` with JavaScript and declarations, in the order of imports.
 */
import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { bundleHelper } from "../packages/runner/src/helper-image/helper-bundle.ts";

const root = resolve(import.meta.dirname, "..");

for (const name of inImportOrder()) {
  const packageDir = join(root, "packages", name);
  rmSync(join(packageDir, "dist"), { recursive: true, force: true });
  compile(packageDir);
  copyAssets(packageDir);
  if (name === "runner") await bundleHelperProgram(packageDir);
  process.stdout.write(`built @jobscope/${name}\n`);
}

/** Package names, each after those it depends on. */
function inImportOrder(): string[] {
  const needs = new Map<string, string[]>();
  for (const file of globSync("packages/*/package.json", { cwd: root })) {
    const manifest = JSON.parse(readFileSync(join(root, file), "utf8")) as { dependencies?: Record<string, string> };
    const own = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith("@jobscope/"));
    needs.set(
      file.split("/")[1] ?? "",
      own.map((name) => name.slice("@jobscope/".length)),
    );
  }
  const ordered = new Set<string>();
  const place = (name: string): void => {
    for (const need of needs.get(name) ?? []) if (!ordered.has(need)) place(need);
    ordered.add(name);
  };
  for (const name of needs.keys()) place(name);
  return [...ordered];
}

/** Emits src/ without its tests; packages resolve each other's built declarations, so the order matters. */
function compile(packageDir: string): void {
  const config = join(packageDir, "tsconfig.build.json");
  const options = { noEmit: false, declaration: true, sourceMap: true, rootDir: "src", outDir: "dist" };
  const project = {
    extends: "../../tsconfig.base.json",
    compilerOptions: options,
    include: ["src"],
    exclude: ["src/**/*.test.ts"],
  };
  writeFileSync(config, JSON.stringify(project));
  try {
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", config], { stdio: "inherit" });
  } finally {
    rmSync(config);
  }
}

/** Files that code reads at run time beside itself (SQL, protocol definitions). */
function copyAssets(packageDir: string): void {
  for (const file of globSync("src/**/*.{sql,proto,json}", { cwd: packageDir })) {
    const target = join(packageDir, "dist", file.slice("src/".length));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(packageDir, file), target);
  }
}

/** The program that goes into the helper image: one file, which needs nothing beside it. */
async function bundleHelperProgram(packageDir: string): Promise<void> {
  writeFileSync(
    join(packageDir, "dist/helper/bundle.cjs"),
    await bundleHelper(join(packageDir, "dist/helper/main.js")),
  );
}

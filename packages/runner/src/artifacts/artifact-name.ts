import path from "node:path";

const extensions: Readonly<Record<string, string>> = {
  zip: ".zip",
  zipzstd: ".zip",
  tarzstd: ".tar.zst",
  gzip: ".gz",
  raw: "",
};

/**
 * Name of an uploaded file.
 *
 * @param name of the artifacts, expanded. @param format empty means zip.
 *
 * Rule: runner-protocol.md §3.8.
 */
export function artifactFilename(name: string, format: string): string {
  const base = path.posix.basename(name === "" ? "artifacts" : name);
  return `${base === "" || base === "." ? "default" : base}${extensions[format === "" ? "zip" : format] ?? ""}`;
}

/** The formats this runner can write. */
export function isKnownFormat(format: string): boolean {
  return format === "" || Object.hasOwn(extensions, format);
}

import { open, readdir, readlink, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { rootCertificates } from "node:tls";
import { staticBusybox } from "./helper-image.ts";
import { HelperImageError } from "./helper-image-error.ts";
import { findProgram, outputOf } from "./host-programs.ts";
import type { ImageEntry } from "./image-entry.ts";
import { sharedLibrariesOf } from "./shared-libraries.ts";

/**
 * A root directory of what this machine has: git and git-lfs with their libraries, and busybox for everything else.
 *
 * @param program entries of `programEntries`, which hold the busybox.
 * @throws {HelperImageError} when git or a statically linked busybox is missing.
 */
export async function hostRoot(program: readonly ImageEntry[]): Promise<ImageEntry[]> {
  const busybox = program.find((entry) => entry.path === staticBusybox);
  const git = await findProgram("git");
  if (git === undefined || busybox?.kind !== "copy") {
    throw new HelperImageError(
      `this machine has no ${git === undefined ? "git" : "statically linked busybox (Debian: busybox-static)"} ` +
        "to make a helper image of: install it, or name an image to start from with --base",
    );
  }
  const lfs = await findProgram("git-lfs");
  return [
    ...program,
    ...systemEntries(),
    ...(await certificateEntries()),
    ...(await gitEntries(git)),
    ...(await programWithLibraries(lfs, "/usr/bin/git-lfs")),
    { kind: "text", path: "/etc/gitconfig", text: gitConfig({ hasLfs: lfs !== undefined }), mode: 0o644 },
    ...(await appletLinks(busybox.from)),
  ];
}

function systemEntries(): ImageEntry[] {
  const text = (file: string, content: string): ImageEntry => ({
    kind: "text",
    path: file,
    text: content,
    mode: 0o644,
  });
  return [
    text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    text("/etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    { kind: "directory", path: "/root", mode: 0o700 },
    { kind: "directory", path: "/tmp", mode: 0o1777 },
  ];
}

/** Where distributions keep the authorities that their programs trust; libraries look in the place of their own. */
const certificateFiles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"] as const;

async function certificateEntries(): Promise<ImageEntry[]> {
  const [first, second] = certificateFiles;
  const link: ImageEntry = { kind: "link", path: second, to: first };
  for (const from of certificateFiles) {
    if (await exists(from)) return [{ kind: "copy", path: first, from, mode: 0o644 }, link];
  }
  return [{ kind: "text", path: first, text: `${rootCertificates.join("\n")}\n`, mode: 0o644 }, link];
}

/** The helper works for one job, on files that belong to whatever user its image has. */
function gitConfig({ hasLfs }: { readonly hasLfs: boolean }): string {
  const lfs = [
    '[filter "lfs"]',
    "\tclean = git-lfs clean -- %f",
    "\tsmudge = git-lfs smudge -- %f",
    "\tprocess = git-lfs filter-process",
    "\trequired = true",
  ];
  return `${["[safe]", "\tdirectory = *", ...(hasLfs ? lfs : [])].join("\n")}\n`;
}

async function gitEntries(git: string): Promise<ImageEntry[]> {
  const commands = (await outputOf(git, "--exec-path")).trim();
  // <prefix>/libexec/git-core or <prefix>/lib/git-core
  const templates = path.join(commands, "../../share/git-core/templates");
  return [
    ...(await programWithLibraries(git, "/usr/bin/git")),
    ...(await gitCommands(commands)),
    ...(await filesBelow(templates)),
  ];
}

/** Commands of servers and of mail: large, and of no use to a job. */
const unneededCommands = new Set([
  ...["git-daemon", "git-http-backend", "git-http-fetch", "git-http-push", "git-imap-send", "git-shell", "scalar"],
]);

/** Commands in Perl or Python are left out too: nothing here runs them. */
async function gitCommands(directory: string): Promise<ImageEntry[]> {
  const entries: ImageEntry[] = [];
  /** First path by inode: git links its commands to each other, by name or by inode. */
  const seen = new Map<number, string>();
  for (const file of await readdir(directory, { withFileTypes: true })) {
    if (unneededCommands.has(file.name)) continue;
    const from = path.join(directory, file.name);
    if (file.isSymbolicLink()) entries.push({ kind: "link", path: from, to: await readlink(from) });
    else if (file.isFile()) {
      const { ino } = await stat(from);
      const known = seen.get(ino);
      seen.set(ino, known ?? from);
      if (known !== undefined) entries.push({ kind: "link", path: from, to: known });
      else entries.push(...(await gitCommand(from)));
    }
  }
  return [...entries, ...(await filesBelow(path.join(directory, "mergetools")))];
}

async function gitCommand(from: string): Promise<ImageEntry[]> {
  const first = await firstLine(from);
  if (first.startsWith("#!")) {
    return /^#!\s*\/bin\/sh\b/.test(first) ? [{ kind: "copy", path: from, from, mode: 0o755 }] : [];
  }
  return first.startsWith("\u007fELF")
    ? programWithLibraries(from, from)
    : [{ kind: "copy", path: from, from, mode: 0o644 }];
}

async function programWithLibraries(from: string | undefined, target: string): Promise<ImageEntry[]> {
  if (from === undefined) return [];
  const { loader, files } = await sharedLibrariesOf(from);
  const libraries = loader === undefined ? files : [loader, ...files];
  return [
    { kind: "copy", path: target, from: await realpath(from), mode: 0o755 },
    ...libraries.map((file): ImageEntry => ({ kind: "copy", path: file, from: file, mode: 0o755 })),
  ];
}

async function filesBelow(directory: string): Promise<ImageEntry[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({ kind: "copy", path: file, from: file, mode: 0o755 }));
}

/** `/bin/sh` and all the others. What is there already stays. */
async function appletLinks(busybox: string): Promise<ImageEntry[]> {
  const applets = (await outputOf(busybox, "--list-full")).split("\n").filter((applet) => applet !== "");
  return applets
    .filter((applet) => applet.includes("/"))
    .map((applet) => ({ kind: "link", path: `/${applet}`, to: staticBusybox }));
}

async function firstLine(file: string): Promise<string> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString("latin1", 0, bytesRead).split("\n", 1)[0] ?? "";
  } finally {
    await handle.close();
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

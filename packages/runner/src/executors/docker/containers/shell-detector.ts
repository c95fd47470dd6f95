/** Where a shell may be, in order of preference. Rule: runner-protocol.md §3.1, row `docker`. */
const shells = [
  "/usr/local/bin/bash",
  "/usr/bin/bash",
  "/bin/bash",
  "/usr/local/bin/sh",
  "/usr/bin/sh",
  "/bin/sh",
  "/busybox/sh",
];

/** Command of the build container: becomes the best shell of its image, which then reads the script from its input. */
export const shellDetector: readonly string[] = [
  "sh",
  "-c",
  `${shells.map((shell) => `[ -x ${shell} ] && exec ${shell}`).join("\n")}\necho shell not found\nexit 1\n`,
];

import type { PosixWriter } from "./posix-writer.ts";

/**
 * Begins to count what git receives: git sends a copy of every pack it receives to descriptor 9, from where `wc` counts
 * it. Nothing of it is in the job log, and nobody waits for the count: whoever reads the file finds it empty until then.
 *
 * Where there is no `mkfifo`, nothing is counted. git's progress display would tell the same, but into the job log, and
 * its event trace does not tell it.
 *
 * @param file for the number, in decimal.
 */
export function startCountingReceived(script: PosixWriter, file: string): void {
  const [quotedFile, pipe] = [script.quote(file), script.quote(`${file}.pipe`)];
  script.removeFiles(file, `${file}.pipe`);
  script.line(
    `if mkfifo -m 600 ${pipe} 2>/dev/null; then wc -c < ${pipe} > ${quotedFile} 2>/dev/null & ` +
      `exec 9> ${pipe}; rm -f ${pipe}; export GIT_TRACE_PACKFILE=9; fi`,
  );
}

export function stopCountingReceived(script: PosixWriter): void {
  script.line('if [ "$GIT_TRACE_PACKFILE" = 9 ]; then unset GIT_TRACE_PACKFILE; exec 9>&-; fi');
}

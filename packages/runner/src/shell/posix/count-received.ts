import type { PosixScript } from "./posix-script.ts";

/**
 * Begins to count what git receives: git sends a copy of every pack it receives to descriptor 9, from where `wc` counts
 * it. Nothing of it is in the job log, and nobody waits for the count: whoever reads the file finds it empty until then.
 *
 * Where there is no `mkfifo`, nothing is counted. git's progress display would tell the same, but into the job log, and
 * its event trace does not tell it.
 *
 * @param file for the number, in decimal.
 */
export function startCountingReceived(script: PosixScript, file: string): void {
  const [quotedFile, pipe] = [script.quote(file), script.quote(`${file}.pipe`)];
  script.command("rm", "-f", file, `${file}.pipe`);
  script.when(`mkfifo -m 600 ${pipe} 2>/dev/null`, () => {
    script.line(`wc -c < ${pipe} > ${quotedFile} 2>/dev/null &`);
    script.line(`exec 9> ${pipe}`);
    script.command("rm", "-f", `${file}.pipe`);
    script.export("GIT_TRACE_PACKFILE", "9");
  });
}

export function stopCountingReceived(script: PosixScript): void {
  script.line('if [ "$GIT_TRACE_PACKFILE" = 9 ]; then unset GIT_TRACE_PACKFILE; exec 9>&-; fi');
}

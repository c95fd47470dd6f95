import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { createPosixDialect } from "./posix-dialect.ts";

const { command, preamble } = createPosixDialect("bash");
const [program = "", ...args] = command;

/** A script as long as those of jobs are, with what a reader could stumble over. */
const lines = Array.from({ length: 200 }, (_, index) => `export NUMBER_${index}='value \\ "${index}" \t$HOME'`);
const script = `#!/usr/bin/env bash\n\n${lines.join("\n")}\necho "ünï $NUMBER_199"\necho "<$(set | grep -c ^_jobscope)>"\nexit 7\n`;

/** What profiles of login shells are known to set. */
const profiles = ["", "set -eu", "TMOUT=1; IFS=x", "set -o posix", "readonly TMOUT=1", "shopt -s extglob nullglob"];

for (const profile of profiles) {
  for (const locale of ["C", "C.UTF-8"]) {
    test(`a script read at once is the one that was sent, in ${locale} after a profile with "${profile}"`, async () => {
      const home = await mkdtemp(path.join(tmpdir(), "jobscope-preamble-"));
      await writeFile(path.join(home, ".bash_profile"), `${profile}\n`);
      const environment = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, LC_ALL: locale };
      const shell = spawn(program, args, { env: environment, stdio: ["pipe", "pipe", "inherit"] });
      shell.stdin.end(preamble + script);
      const [said, [code]] = await Promise.all([text(shell.stdout), once(shell, "exit")]);
      assert.equal(said, 'ünï value \\ "199" \t$HOME\n<0>\n');
      assert.equal(code, 7);
      await rm(home, { recursive: true });
    });
  }
}

import type { ProcessCommand } from "../run/process-host.ts";
import { word, words } from "./shell-text.ts";

/** Names that a shell can export. */
export const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The shell text that starts the command: nothing inherited but the directory and both streams. The environment is
 * exported, since arguments of a process, such as those of `env`, are shown to all users of the machine; names that no
 * shell can export take that way nevertheless. Once variables of the job are there, none of the shell's own is used.
 */
export function commandText({ command, workDir, env }: ProcessCommand, busybox: string, path: string): string {
  const [program, ...args] = command;
  const found = program.includes("/") ? `P=${word(program)}` : `program ${word(program)} ${word(path)}`;
  const variables = Object.entries(env);
  const assigned = (isName: boolean) =>
    variables
      .filter(([name]) => variableName.test(name) === isName)
      .map(([name, value]) => word(`${name}=${value}`))
      .join(" ");
  const exported = assigned(true);
  const others = assigned(false);
  const steps = [
    `within ${word(workDir)} "$P"`,
    'set -- "$P"',
    "unset PWD OLDPWD",
    ...(exported === "" ? [] : [`export ${exported}`]),
    `exec ${word(busybox)} setsid ${others === "" ? "" : `${word(busybox)} env ${others} `}"$1" ${words(args)} 3>&-`,
  ];
  return `if [ ! -d ${word(workDir)} ]; then reply fail directory
elif ! ${found}; then reply fail program
else
(${steps.join(" && ")}) </dev/null 2>&1
fi
c=$?
printf '\\000%s\\000' "$M"
status $c`;
}

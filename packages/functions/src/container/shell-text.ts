/** One word of shell text that stands for exactly this. */
export function word(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function words(texts: readonly string[]): string {
  return texts.map(word).join(" ");
}

/**
 * What the shell in the container knows before the first request. It answers on its standard error (kept as 3), where
 * no command of a job writes: lines `@<name> <value>`, the last of each request `@end <status>`. Other lines are data, or
 * what the shell itself complains of.
 *
 * Only what a shell has built in and `$B` are used: the image may hold nothing.
 *
 * - `reply NAME VALUE…` answers.
 * - `program NAME DIRECTORIES` sets `P` to the path of a program.
 * - `within DIRECTORY PROGRAM` goes there, and tells why the program cannot be started; in a subshell.
 * - `read_file PATH BYTES FOLLOWS` answers with a file in base64.
 *
 * @param busybox path of the program in the container. @param mark printed where the output of a command ends.
 */
export function preamble(busybox: string, mark: string): string {
  return `exec 3>&2
set -f
B=${word(busybox)} M=${word(mark)} I=$IFS U=$(umask)
reply() { printf '@%s\\n' "$*" >&3; }
status() { return "$1"; }
program() {
  P=
  case $1 in /*) if [ -f "$1" ] && [ -x "$1" ]; then P=$1; fi ;;
  *) IFS=:
    for d in $2; do
      case $d in /*) if [ -f "$d/$1" ] && [ -x "$d/$1" ]; then P=$d/$1; break; fi ;; esac
    done
    IFS=$I ;;
  esac
  [ -n "$P" ]
}
within() {
  cd "$1" 2>/dev/null || { reply fail directory; exit 1; }
  if [ ! -e "$2" ]; then reply fail missing; exit 1; fi
  if [ -d "$2" ] || [ ! -x "$2" ]; then reply fail denied; exit 1; fi
  read -r p x </proc/self/stat
  reply pid "$p"
}
read_file() {
  if [ "$3" = no ] && [ -L "$1" ]; then reply file not-regular
  elif [ ! -e "$1" ]; then reply file missing
  elif [ ! -f "$1" ]; then reply file not-regular
  elif [ ! -r "$1" ]; then reply file unreadable
  else
    reply file text
    if [ -s "$1" ]; then "$B" head -c "$2" <"$1" | "$B" base64 >&3; fi
  fi
}
`;
}

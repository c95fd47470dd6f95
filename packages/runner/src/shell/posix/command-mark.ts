/**
 * A statement that says "entry `index` begins now, and the one before it ended with this status" to a file.
 *
 * The file is opened by this statement alone and closed with it: no process of the job inherits anything, so none that
 * stays behind can hold the stage up, and nothing of it is in the job log. It stands before the statement that shows
 * the entry, which sets `$?` to zero anyway, so it changes nothing that the entry can see. A failure to write (the
 * job removed the directory) is ignored.
 *
 * One line per mark: `<index> <status of the previous entry>`.
 */
export function commandMark(quotedFile: string, index: number): string {
  return `{ printf '%s\\n' "${index} $?" >> ${quotedFile}; } 2>/dev/null || :`;
}

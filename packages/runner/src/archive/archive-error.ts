/** An archive could not be made or taken apart. The message is fit for the job log: it names files, never contents. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
  readonly code = "ARCHIVE_FAILED";
}

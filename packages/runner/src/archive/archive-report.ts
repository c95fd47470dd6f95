/** Where the making of archives tells what it found. Implemented by the lines of the job log. */
export interface ArchiveReport {
  info(message: string): void;
  warning(message: string): void;
}

/** Where transfers tell what became of them. Implemented by the lines of the job log (runner-protocol.md §2.5). */
export interface TransferReport {
  info(message: string, fields?: Readonly<Record<string, string | number>>): void;
  warning(message: string, fields?: Readonly<Record<string, string | number>>): void;
  error(message: string, fields?: Readonly<Record<string, string | number>>): void;
}

import type { Readable } from "node:stream";

/** An open archive. To be disposed of when nothing of it is read any more. */
export interface ArchiveReader extends AsyncDisposable {
  /** One after the other. @throws {ArchiveError} when the archive is damaged. */
  readonly entries: AsyncIterable<ArchiveEntry>;
}

/** One thing in an archive, as it says of itself; nothing of it is trusted. */
export interface ArchiveEntry {
  readonly name: string;
  readonly kind: "file" | "directory" | "link";
  /** With the bits of the permission only; 0: not told. */
  readonly mode: number;
  readonly modified: Date;
  /** `undefined`: not told. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Opens the content, which fails when it is not what the archive says: of a file its bytes, of a link its target. */
  open(): Promise<Readable>;
  /** The content of a small file at once, also while other entries are read. `undefined`: only `open` will do. */
  readonly read: (() => Promise<Uint8Array>) | undefined;
}

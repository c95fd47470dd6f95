import type { Readable } from "node:stream";

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
}

/** A section marker that was seen in a job log (runner-protocol.md §2.4.2). */
export type LogSectionEvent =
  | {
      readonly kind: "start";
      /** Letters, digits, `_`, `.` and `-`. */
      readonly name: string;
      /** What the marker says, not when it was seen. */
      readonly unixSeconds: number;
      /** The options in brackets, in order: `[collapsed=true]`. */
      readonly options: ReadonlyMap<string, string>;
    }
  | { readonly kind: "end"; readonly name: string; readonly unixSeconds: number };

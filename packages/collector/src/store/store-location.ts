/** Where spans are kept. */
export type StoreLocation =
  | {
      readonly kind: "embedded";
      /** Directory of the engine's files and of `collector.json`; made when missing. One process holds it at a time. */
      readonly dataDir: string;
    }
  | {
      readonly kind: "server";
      /** `http://user:password@host:8123/database`; the database must exist. Default database `default`. */
      readonly url: string;
      /** When given, `collector.json` is written here, so that other commands find this collector. */
      readonly dataDir?: string;
    };

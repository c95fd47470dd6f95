import { chmodSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { CoordinatorError } from "../coordinator-error.ts";
import type { JobRecord, PipelineRecord, ProjectRecord, RunnerRecord } from "../lifecycle/records.ts";

/** Kinds of records. */
export interface RecordKinds {
  project: ProjectRecord;
  runner: RunnerRecord;
  pipeline: PipelineRecord;
  job: JobRecord;
}

/** Where records survive the process. A record that `put` has returned from survives even `kill -9`. */
export interface StateStore extends Disposable {
  put<K extends keyof RecordKinds>(kind: K, record: RecordKinds[K]): void;
  remove(kind: keyof RecordKinds, id: number): void;
  /** All records of a kind by ascending id. */
  all<K extends keyof RecordKinds>(kind: K): RecordKinds[K][];
  /** Runs several changes as one: all of them are stored or none. */
  together<T>(change: () => T): T;
}

/** Of the layout below; a file with another one is refused rather than misread. */
const layoutVersion = 1;

/**
 * Opens the state file, which one process at a time may hold.
 * @throws {CoordinatorError} `data-dir-in-use`, `data-dir-unusable`.
 */
export function openStateStore(file: string): StateStore {
  const database = open(file);
  const changed = new Map<string, () => void>();
  const put = database.prepare("INSERT OR REPLACE INTO record (kind, id, content) VALUES (?, ?, ?)");
  const remove = database.prepare("DELETE FROM record WHERE kind = ? AND id = ?");
  const all = database.prepare("SELECT content FROM record WHERE kind = ? ORDER BY id");
  return {
    put: (kind, record) => {
      const write = () => put.run(kind, record.id, JSON.stringify(record));
      // A record that changes several times together is written once, as it is in the end.
      if (database.isTransaction) changed.set(`${kind} ${record.id}`, write);
      else write();
    },
    remove: (kind, id) => {
      changed.delete(`${kind} ${id}`);
      remove.run(kind, id);
    },
    all: <K extends keyof RecordKinds>(kind: K) => parseAll<RecordKinds[K]>(all, kind),
    together: (change) => together(database, changed, change),
    [Symbol.dispose]: () => database.close(),
  };
}

function open(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file);
    chmodSync(file, 0o600);
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
    if (version !== 0 && version !== layoutVersion) throw new Error(`layout ${version} is not ${layoutVersion}`);
    database.exec(`
      CREATE TABLE IF NOT EXISTS record (kind TEXT, id INTEGER, content TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
      PRAGMA user_version = ${layoutVersion};
    `);
    return database;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    if (/locked|busy/i.test(why)) {
      throw new CoordinatorError(`another coordinator is using ${file}`, { code: "data-dir-in-use", cause });
    }
    throw new CoordinatorError(`cannot keep state in ${file}: ${why}`, { code: "data-dir-unusable", cause });
  }
}

function parseAll<T>(statement: StatementSync, kind: string): T[] {
  // Only this file writes the table, so that its content is of the kind it is filed under.
  return statement.all(kind).map((row) => JSON.parse(String(row["content"])) as T);
}

function together<T>(database: DatabaseSync, changed: Map<string, () => void>, change: () => T): T {
  if (database.isTransaction) return change();
  database.exec("BEGIN");
  try {
    const result = change();
    for (const write of changed.values()) write();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  } finally {
    changed.clear();
  }
}

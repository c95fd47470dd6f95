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

/**
 * Where records survive the process.
 *
 * Changes that are made in one turn of the event loop, by whomever, are stored in one transaction right after it: all of
 * them or none. What was stored survives even `kill -9`. Nobody outside may be told of a change before.
 */
export interface StateStore extends Disposable {
  /** The record is stored as it is at the end of this turn of the event loop. */
  put<K extends keyof RecordKinds>(kind: K, record: RecordKinds[K]): void;
  remove(kind: keyof RecordKinds, id: number): void;
  /** All stored records of a kind by ascending id. */
  all<K extends keyof RecordKinds>(kind: K): RecordKinds[K][];
  /**
   * Settles once everything that was changed so far is stored; `undefined` when it is. Rejects when the disk refuses; then
   * the changes wait for the next time that anything is stored.
   */
  stored(): Promise<void> | undefined;
}

/** Of the layout below; a file with another one is refused rather than misread. */
const layoutVersion = 1;

/**
 * Opens the state file, which one process at a time may hold.
 * @throws {CoordinatorError} `data-dir-in-use`, `data-dir-unusable`.
 */
export function openStateStore(file: string): StateStore {
  const database = open(file);
  const put = database.prepare("INSERT OR REPLACE INTO record (kind, id, content) VALUES (?, ?, ?)");
  const remove = database.prepare("DELETE FROM record WHERE kind = ? AND id = ?");
  const all = database.prepare("SELECT content FROM record WHERE kind = ? ORDER BY id");
  const changes = new Map<string, () => void>();
  let committing: PromiseWithResolvers<void> | undefined;
  const commitLater = () => {
    if (committing !== undefined) return committing.promise;
    committing = Promise.withResolvers<void>();
    // Whoever waits for it hears of a failure.
    committing.promise.catch(() => undefined);
    setImmediate(commitNow);
    return committing.promise;
  };
  const commitNow = () => {
    const done = committing;
    committing = undefined;
    try {
      if (changes.size > 0) commit(database, changes.values());
      changes.clear();
      done?.resolve();
    } catch (error) {
      done?.reject(error);
    }
  };
  const change = (kind: string, id: number, write: () => void) => {
    changes.set(`${kind} ${id}`, write);
    void commitLater();
  };
  return {
    put: (kind, record) => change(kind, record.id, () => put.run(kind, record.id, JSON.stringify(record))),
    remove: (kind, id) => change(kind, id, () => remove.run(kind, id)),
    all: <K extends keyof RecordKinds>(kind: K) => parseAll<RecordKinds[K]>(all, kind),
    stored: () => (changes.size === 0 ? undefined : commitLater()),
    [Symbol.dispose]: () => {
      commitNow();
      database.close();
    },
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

function commit(database: DatabaseSync, changes: Iterable<() => void>): void {
  database.exec("BEGIN");
  try {
    for (const write of changes) write();
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

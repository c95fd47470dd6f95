import { type Connection, createEmbeddedConnection } from "./embedded-connection.ts";
import { type ReadLimits, readOnlySettings } from "./engine.ts";

/**
 * Connections that only read, one query at a time on each. A connection whose query failed is not used again: what the
 * engine had answered before it failed would come before the next query's answer (chdb 3.4).
 */
export function createReadingConnection(path: string, limits: ReadLimits): Connection {
  const idle: Connection[] = [];

  async function withOne<T>(run: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = idle.pop() ?? (await open(path, limits));
    try {
      const result = await run(connection);
      idle.push(connection);
      return result;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  return {
    query: (params) => withOne((connection) => connection.query(params)),
    exec: (params) => withOne((connection) => connection.exec(params)),
    command: (params) => withOne((connection) => connection.command(params)),
    insert: (params) => withOne((connection) => connection.insert(params)),
    ping: (params) => withOne((connection) => connection.ping(params)),
    async close() {
      for (const connection of idle.splice(0)) await connection.close();
    },
  };
}

async function open(path: string, limits: ReadLimits): Promise<Connection> {
  const connection = createEmbeddedConnection(path);
  for (const [name, value] of Object.entries(readOnlySettings(limits))) {
    await connection.command({ query: `SET ${name} = ${typeof value === "number" ? value : `'${value}'`}` });
  }
  return connection;
}

import { ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { ConfigError } from "../config-error.ts";
import { type Engine, type ReadLimits, readOnlySettings } from "./engine.ts";
import { storeErrorOf } from "./store-error-of.ts";

/** How long a statement may take to be answered; an insert of a full batch takes well under a second. */
const requestTimeoutMs = 30_000;

/**
 * Connects to a ClickHouse server over HTTP.
 *
 * @param url `http://user:password@host:8123/database`.
 * @throws {ConfigError} when `url` is no such URL.
 * @throws {StoreError} when the server does not answer, or does not let us in.
 */
export async function openServerEngine(url: string, limits: ReadLimits): Promise<Engine> {
  const checked = checkUrl(url);
  await using opened = new AsyncDisposableStack();
  const settings = {
    url: checked,
    request_timeout: Math.max(requestTimeoutMs, limits.timeoutMs),
    // What fails is thrown, and logged where it is handled.
    log: { level: ClickHouseLogLevel.OFF },
  };
  const writer = opened.use(createClient({ ...settings, compression: { request: true } }));
  const reader = opened.use(createClient(settings));
  const answer = await writer.ping({ select: true });
  if (!answer.success) throw storeErrorOf(answer.error, "open store");
  const closing = opened.move();
  return {
    kind: "server",
    writer,
    reader,
    readSettings: readOnlySettings(limits),
    judge: async () => "reads",
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function checkUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && /^https?:$/.test(parsed.protocol)) return parsed;
  const problem = "is no ClickHouse URL; expected http://user:password@host:8123/database (or https)";
  throw new ConfigError([{ key: "store.url", problem }]);
}

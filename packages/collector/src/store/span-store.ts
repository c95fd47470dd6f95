import { openEmbeddedEngine } from "./embedded-engine.ts";
import { tuneEmbeddedTables } from "./embedded-tuning.ts";
import type { Engine, ReadLimits } from "./engine.ts";
import { migrate } from "./migrations.ts";
import { applyRetention } from "./retention.ts";
import { openServerEngine } from "./server-engine.ts";
import { storeErrorOf } from "./store-error-of.ts";
import type { StoreLocation } from "./store-location.ts";

/**
 * Opens the store and brings its schema and its retention up to date.
 *
 * @throws {ConfigError} when the location is malformed.
 * @throws {StoreError} when it cannot be opened or written.
 */
export async function openSpanStore(
  location: StoreLocation,
  options: { limits: ReadLimits; retentionDays: number },
): Promise<Engine> {
  const engine = await openEngine(location, options.limits);
  try {
    const migrated = await migrate(engine.writer);
    if (engine.kind === "embedded" && migrated.length > 0) await tuneEmbeddedTables(engine.writer);
    await applyRetention(engine.writer, options.retentionDays);
    return engine;
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw storeErrorOf(error, "update schema");
  }
}

function openEngine(location: StoreLocation, limits: ReadLimits): Promise<Engine> {
  return location.kind === "embedded"
    ? openEmbeddedEngine(location.dataDir, limits)
    : openServerEngine(location.url, limits);
}

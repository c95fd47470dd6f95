import { setTimeout as delay } from "node:timers/promises";
import { findRunningCollector } from "@jobscope/collector/client";

/** Waits for the collector that holds a data directory to listen; half a minute at most. */
export async function untilCollectorRuns(directory: string): Promise<{ apiUrl: string; otlpHttpUrl: string }> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const { apiUrl, otlpHttpUrl } = (await findRunningCollector(directory)) ?? {};
    if (apiUrl !== undefined && otlpHttpUrl !== undefined) return { apiUrl, otlpHttpUrl };
    await delay(100);
  }
  throw new Error("the collector did not start");
}

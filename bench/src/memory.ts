import { setTimeout as delay } from "node:timers/promises";
import { startDiscardingReceiver } from "./support/discarding-receiver.ts";
import type { Benchmark } from "./support/figures.ts";
import { startRunner } from "./support/jobscope-process.ts";
import { startStubCoordinator } from "./support/stub-coordinator.ts";

const mebibyte = 1024 * 1024;
const jobs = 40;

/** Resident memory of the runner, idle and per running job. */
export const memory: Benchmark = {
  name: "memory",
  title: "Memory of the runner",
  method: `Resident memory of the \`jobscope run\` process alone: after five idle seconds, and while ${jobs} traced jobs sleep.`,
  async run() {
    await using coordinator = await startStubCoordinator();
    await using receiver = await startDiscardingReceiver();
    await using runner = await startRunner({ url: coordinator.url, concurrent: jobs });
    await delay(5_000);
    const idle = await runner.residentBytes();
    const tracing = { trace_id: "1".padStart(32, "0"), otel_endpoints: [{ url: receiver.url }] };
    const done = coordinator.run(Array.from({ length: jobs }, () => ({ script: ["sleep 8"], tracing })));
    await coordinator.untilRunning(jobs);
    await delay(4_000);
    const busy = await runner.residentBytes();
    await done;
    return [
      { what: "idle", value: `${(idle / mebibyte).toFixed(0)} MiB`, target: "< 110 MiB" },
      { what: "each running job", value: `${((busy - idle) / jobs / mebibyte).toFixed(2)} MiB`, target: "< 3 MiB" },
    ];
  },
};

import { connectToCoordinator, startCoordinator } from "@jobscope/coordinator";
import { createLog } from "@jobscope/labkit";
import type { CommandContext } from "../context.ts";
import { openDataDir } from "../data-dir.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Interrupts } from "../interrupts.ts";
import type { ExecOptions } from "./exec-options.ts";
import { pipelineRequest } from "./pipeline-request.ts";
import { printPlan, printWarnings } from "./print-pipeline.ts";

/** `exec --list`: expands the configuration and says what it holds; no collector, no runner. */
export async function listPipeline(
  context: CommandContext,
  options: ExecOptions,
  interrupts: Interrupts,
): Promise<ExitCode> {
  const { coordinator: dataDir } = await openDataDir(options.dataDir);
  const log = createLog({ level: options.isDebug ? "debug" : "warn", format: "text" });
  const telemetry = { form: "none", endpoints: [] } as const;
  const request = pipelineRequest(options, interrupts.polite);
  using running = await connectToCoordinator(dataDir);
  await using own =
    running === undefined ? await startCoordinator({ listen: "127.0.0.1:0", dataDir, log, telemetry }) : undefined;
  const plan = await (running ?? own)?.planPipeline(request);
  if (plan === undefined) return 2;
  printWarnings(context, plan);
  printPlan(context, plan);
  return 0;
}

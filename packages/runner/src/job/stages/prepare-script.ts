import { gitlabEnvFileName } from "../../shell/temporary-files.ts";
import type { PreparedRun } from "../job-run.ts";
import { runStage, traceStage } from "./run-stage.ts";
import { stageHeadings } from "./stage-name.ts";

/**
 * `prepare_script`: says where the job runs and forgets what an earlier job handed on.
 *
 * It needs no environment of the user's, so no shell is started for it. Rule: runner-protocol.md §3.4.
 */
export async function prepareScript(run: PreparedRun, signal: AbortSignal): Promise<void> {
  const name = "prepare_script";
  await runStage(run, { name, heading: stageHeadings[name], signal }, () =>
    traceStage(run, { name }, async () => {
      const output = run.log.openStream("stdout");
      const { hostname, via, isFresh } = run.session.place;
      await output.write(Buffer.from(`Running on ${hostname}${via === undefined ? "" : ` via ${via}`}...\n`));
      output.end();
      if (isFresh) return;
      const request = { directory: run.directories.temporary, paths: [gitlabEnvFileName, "masking.db"] };
      await run.workspace.perform("remove-paths", request, { report: run.lines, signal });
    }),
  );
}

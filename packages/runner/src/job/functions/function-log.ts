import type { JobLogSink } from "@jobscope/functions";
import type { PreparedRun } from "../job-run.ts";
import type { JobLogStream } from "../log/job-log.ts";

/** Output of a job's functions on its way into the job log. */
export interface FunctionLog extends JobLogSink, Disposable {
  /** Masks a text in everything written from now on, in the log and in spans (ci-functions.md §4.4). */
  mask(text: string): void;
}

export function openFunctionLog({ log, options }: PreparedRun): FunctionLog {
  const masked = new Set<string>();
  /** The masker of a stream is fixed, so that what is learnt calls for another stream. */
  let stream: JobLogStream | undefined;

  function close(): void {
    stream?.end();
    stream = undefined;
  }

  return {
    write(chunk) {
      stream ??= log.openStream("stdout");
      return stream.write(chunk);
    },
    mask(text) {
      if (masked.has(text)) return;
      masked.add(text);
      close();
      log.addSecrets([text]);
      options.jobTrace.addSecrets([text]);
    },
    [Symbol.dispose]: close,
  };
}

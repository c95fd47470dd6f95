import type { ProxyConfig } from "../config/manager-config.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { describeRunner, userAgent } from "./describe-runner.ts";
import { downloadArtifact } from "./download-artifact.ts";
import { Api, type ApiAttempt } from "./http/api.ts";
import { printableUrl } from "./http/api-address.ts";
import { Connections, readTlsTexts } from "./http/connections.ts";
import { patchJobLog } from "./patch-job-log.ts";
import { type JobRequester, requestJob } from "./request-job.ts";
import { updateJob } from "./update-job.ts";
import { uploadArtifact } from "./upload-artifact.ts";

export interface CoordinatorClientOptions {
  readonly runner: RunnerConfig;
  readonly systemId: string;
  readonly proxy: ProxyConfig;
  readonly connectionMaxAgeMs: number;
  /** Told of every HTTP attempt; must not throw. */
  readonly onAttempt?: (attempt: ApiAttempt) => void;
}

/** Connects one `[[runners]]` entry to its coordinator; opens no connection before the first call. */
export function createCoordinatorClient(options: CoordinatorClientOptions): CoordinatorClient {
  const { runner, systemId } = options;
  const connections = new Connections({
    tls: runner.tls,
    proxy: options.proxy,
    connectionMaxAgeMs: options.connectionMaxAgeMs,
  });
  const api = new Api({ url: runner.url, connections, userAgent: userAgent(), onAttempt: options.onAttempt });
  const info = describeRunner(runner);
  const requester: JobRequester = { info, runnerToken: runner.runnerToken, systemId, lastUpdate: undefined };
  const timeouts = {
    uploadTimeoutMs: runner.artifactUploadTimeoutMs,
    responseHeaderTimeoutMs: runner.artifactResponseHeaderTimeoutMs,
  };
  return {
    url: printableUrl(runner.url),
    requestJob: (call) => requestJob(api, requester, call),
    updateJob: (update, call) => updateJob(api, info, update, call),
    patchJobLog: (slice, call) => patchJobLog(api, slice, call),
    uploadArtifact: (upload, call) => uploadArtifact(api, timeouts, upload, call),
    downloadArtifact: (download, call) => downloadArtifact(api, download, call),
    artifactAccess: () => ({ url: runner.url, tls: readTlsTexts(runner.tls), ...timeouts }),
    [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
  };
}

import { crc32 } from "node:zlib";

/** A job payload, as far as tests look at it. */
export interface TestPayload {
  id: number;
  token: string;
  job_info: Record<string, unknown> & { name: string };
  git_info: { repo_url: string; sha: string; ref: string; refspecs: string[]; depth: number; before_sha: string };
  runner_info: { timeout: number };
  variables: { key: string; value: string; masked: boolean; public: boolean; file: boolean; raw: boolean }[];
  steps: { name: string; script: string[] }[];
  image: { name: string } | null;
  artifacts: Record<string, unknown>[];
  cache: Record<string, unknown>[];
  hooks: unknown[];
  dependencies: { id: number; token: string; name: string; artifacts_file: { filename: string; size: number } }[];
  features: Record<string, unknown> & {
    tracing?: { trace_id: string; span_parent_id: string; otel_endpoints: unknown };
  };
  trace_context?: unknown;
}

/** Features of a shell executor (runner-protocol.md §1.4). */
export const shellFeatures = {
  cancelable: true,
  cancel_gracefully: true,
  two_phase_job_commit: true,
  trace_checksum: true,
  artifacts: true,
  return_exit_code: true,
  upload_multiple_artifacts: true,
  artifacts_exclude: true,
  fallback_cache_keys: true,
  vault_secrets: true,
  job_inputs: true,
  image: false,
  services: false,
};

/** The smallest runner there is: it speaks the protocol (runner-protocol.md §9.3) and runs nothing. */
export class TestRunner {
  readonly #url: string;
  readonly #token: string;
  readonly features: Record<string, boolean>;
  cursor: string | undefined;

  constructor(url: string, token: string, features: Record<string, boolean> = shellFeatures) {
    this.#url = `${url}/api/v4`;
    this.#token = token;
    this.features = features;
  }

  async requestJob(signal?: AbortSignal): Promise<TestPayload | undefined> {
    const response = await fetch(`${this.#url}/jobs/request`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({
        token: this.#token,
        system_id: "s_0123456789ab",
        last_update: this.cursor,
        info: { name: "test", features: this.features },
      }),
      ...(signal === undefined ? {} : { signal }),
    });
    this.cursor = response.headers.get("x-gitlab-last-update") ?? this.cursor;
    if (response.status === 204) return undefined;
    if (response.status !== 201) throw new Error(`jobs/request: ${response.status} ${await response.text()}`);
    return (await response.json()) as TestPayload;
  }

  /** Asks until there is a job. */
  async nextJob(): Promise<TestPayload> {
    for (;;) {
      const job = await this.requestJob();
      if (job !== undefined) return job;
    }
  }

  put(job: TestPayload, body: Record<string, unknown>): Promise<Response> {
    return fetch(`${this.#url}/jobs/${job.id}`, {
      method: "PUT",
      headers: { "Content-Type": "application/json", "JOB-TOKEN": job.token },
      body: JSON.stringify({ token: job.token, info: { features: this.features }, output: {}, ...body }),
    });
  }

  patch(job: TestPayload, text: string, firstByte: number): Promise<Response> {
    const bytes = Buffer.from(text);
    return fetch(`${this.#url}/jobs/${job.id}/trace?debug_trace=false`, {
      method: "PATCH",
      headers: {
        "Content-Type": "text/plain",
        "Content-Range": `${firstByte}-${firstByte + bytes.length - 1}`,
        "JOB-TOKEN": job.token,
      },
      body: bytes,
    });
  }

  upload(job: TestPayload, query: string, name: string, content: Uint8Array<ArrayBuffer>): Promise<Response> {
    const form = new FormData();
    form.set("file", new Blob([content]), name);
    return fetch(`${this.#url}/jobs/${job.id}/artifacts?${query}`, {
      method: "POST",
      headers: { "JOB-TOKEN": job.token },
      body: form,
    });
  }

  download(id: number, token: string): Promise<Response> {
    return fetch(`${this.#url}/jobs/${id}/artifacts?direct_download=true`, { headers: { "JOB-TOKEN": token } });
  }

  /** Takes a job through the happy path, or the unhappy one, with a log of one line. */
  async finish(job: TestPayload, verdict: { exitCode?: number; reason?: string; log?: string } = {}): Promise<number> {
    const { exitCode = 0, reason = "script_failure", log = `ran ${job.job_info.name}\n` } = verdict;
    await this.put(job, { state: "running" });
    await this.patch(job, log, 0);
    const checksum = checksumOf(log);
    const output = { checksum, bytesize: Buffer.byteLength(log) };
    const failed = { state: "failed", failure_reason: reason, exit_code: exitCode };
    const response = await this.put(job, { ...(exitCode === 0 ? { state: "success" } : failed), checksum, output });
    return response.status;
  }
}

/** As `PUT jobs/:id` sends it (runner-protocol.md §1.10). */
export function checksumOf(log: string): string {
  return `crc32:${crc32(log).toString(16).padStart(8, "0")}`;
}

/** A payload of the job request's answer with sensible defaults; `changes` replaces top-level keys. */
export function aJobPayload(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 1001,
    token: "glcbt-1001-abcdefgh",
    allow_git_fetch: true,
    job_info: { name: "unit", stage: "test", project_id: 1, project_name: "demo", time_in_queue_seconds: 0.5 },
    git_info: {
      repo_url: "https://gitlab.example.com/group/demo.git",
      ref: "main",
      sha: "168895d38e3dd31074fa44e95f676d0c6a03af0b",
      before_sha: "0000000000000000000000000000000000000000",
      ref_type: "branch",
      refspecs: ["+refs/heads/main:refs/remotes/origin/main"],
      depth: 20,
    },
    runner_info: { timeout: 60 },
    variables: [
      aVariable("CI_JOB_ID", "1001"),
      aVariable("CI_PIPELINE_ID", "77"),
      aVariable("CI_PROJECT_PATH", "group/demo"),
      aVariable("GIT_STRATEGY", "none"),
    ],
    steps: [{ name: "script", script: ["echo one"], timeout: 60, when: "on_success", allow_failure: false }],
    image: { name: null },
    services: [],
    artifacts: [],
    cache: [],
    credentials: [],
    dependencies: [],
    features: { trace_sections: true, token_mask_prefixes: [], failure_reasons: ["unknown_failure", "job_canceled"] },
    ...changes,
  };
}

export function aVariable(key: string, value: string, flags: Readonly<Record<string, boolean>> = {}) {
  return { key, value, public: true, masked: false, raw: false, file: false, ...flags };
}

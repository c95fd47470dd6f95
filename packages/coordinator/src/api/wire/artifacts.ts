import type { PlannedArtifacts } from "../../pipeline/plan/planned-job.ts";

/** File names that GitLab gives to reports (its Enums::Ci::JobArtifact). */
const reportNames: Readonly<Record<string, string>> = {
  junit: "junit.xml",
  dotenv: ".env",
  cobertura: "cobertura-coverage.xml",
  jacoco: "jacoco-coverage.xml",
  codequality: "gl-code-quality-report.json",
  accessibility: "gl-accessibility.json",
  terraform: "tfplan.json",
  metrics: "metrics.txt",
  lsif: "lsif.json",
  requirements: "requirements.json",
  performance: "performance.json",
  browser_performance: "browser-performance.json",
  load_performance: "load-performance.json",
  cyclonedx: "gl-sbom.cdx.json",
  annotations: "gl-annotations.json",
  sast: "gl-sast-report.json",
  secret_detection: "gl-secret-detection-report.json",
  dependency_scanning: "gl-dependency-scanning-report.json",
  container_scanning: "gl-container-scanning-report.json",
  dast: "gl-dast-report.json",
  license_scanning: "gl-license-scanning-report.json",
  api_fuzzing: "gl-api-fuzzing-report.json",
  coverage_fuzzing: "gl-coverage-fuzzing.json",
};
/** Stored as they are; the others compressed. */
const rawReports: ReadonlySet<string> = new Set([
  ...["sast", "secret_detection", "dependency_scanning", "container_scanning", "dast", "license_scanning"],
  ...["api_fuzzing", "coverage_fuzzing"],
]);

/** `artifacts[]` of a payload: the archive, and each report as an artifact of its own (runner-protocol.md §1.8.7). */
export function wireArtifacts(artifacts: PlannedArtifacts | undefined) {
  if (artifacts === undefined) return [];
  const expiry = artifacts.expireIn === undefined ? {} : { expire_in: artifacts.expireIn };
  const archive = {
    ...(artifacts.name === undefined ? {} : { name: artifacts.name }),
    untracked: artifacts.untracked,
    paths: artifacts.paths,
    ...(artifacts.exclude.length === 0 ? {} : { exclude: artifacts.exclude }),
    when: artifacts.when ?? "on_success",
    artifact_type: "archive",
    artifact_format: "zip",
    ...expiry,
  };
  const reports = Object.entries(artifacts.reports).map(([type, paths]) => ({
    name: reportNames[type] ?? `${type}.txt`,
    untracked: false,
    paths,
    when: "always",
    artifact_type: type,
    artifact_format: rawReports.has(type) ? "raw" : "gzip",
    ...expiry,
  }));
  return artifacts.paths.length > 0 || artifacts.untracked ? [archive, ...reports] : reports;
}

/** Artifacts could not be uploaded or downloaded. The message goes into the job log: no token, no address with one. */
export class ArtifactError extends Error {
  override readonly name = "ArtifactError";
  readonly code = "ARTIFACT_FAILED";
}

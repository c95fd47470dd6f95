/** File work that could not be done. The message is fit for the job log: no secret, no address with one. */
export class WorkspaceError extends Error {
  override readonly name = "WorkspaceError";
  readonly code = "WORKSPACE_TASK_FAILED";
}

/** The helper image is missing or cannot be made. The message says what to do. */
export class HelperImageError extends Error {
  override readonly name = "HelperImageError";
  readonly code = "HELPER_IMAGE";
}

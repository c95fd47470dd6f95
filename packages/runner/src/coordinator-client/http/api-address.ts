/**
 * The address that all paths of the runner API are relative to; ends in `/api/v4/`.
 *
 * @throws {TypeError} when `url` is not an `http` or `https` address.
 *
 * Rule: runner-protocol.md §1.1: trailing slashes go, then one trailing `/ci`, then `/api/v4/` is added.
 */
export function apiBaseUrl(url: string): URL {
  const base = new URL(url.replace(/\/+$/, "").replace(/\/ci$/, "").concat("/api/v4/"));
  if (base.protocol !== "http:" && base.protocol !== "https:") {
    throw new TypeError(`only http and https are supported, found ${base.protocol}`);
  }
  return base;
}

/** An address fit for log lines and messages: without user, password, query and fragment. */
export function printableUrl(url: URL | string): string {
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  copy.search = "";
  copy.hash = "";
  return copy.href.replace(/\/$/, "");
}

/** An answer other than success, in the shape GitLab gives it: `{"message": "…"}`. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    message: string,
    options: { statusCode: number; headers?: Readonly<Record<string, string>>; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.statusCode = options.statusCode;
    this.headers = options.headers ?? {};
  }
}

/** 403 as GitLab words it. */
export function forbidden(why: string, headers: Readonly<Record<string, string>> = {}): HttpError {
  return new HttpError(`403 Forbidden - ${why}`, { statusCode: 403, headers });
}

/** 404 as GitLab words it. */
export function notFound(what: string): HttpError {
  return new HttpError(`404 ${what} Not Found`, { statusCode: 404 });
}

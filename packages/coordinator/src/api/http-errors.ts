/** An answer other than success, in the shape GitLab gives it: `{"message": "…"}`. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A wrong secret was shown: too many of those shut an address out for a while. */
  readonly isGuess: boolean;
  /** What is sent instead of the message alone. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(message: string, options: HttpErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.statusCode = options.statusCode;
    this.headers = options.headers ?? {};
    this.isGuess = options.isGuess ?? false;
    this.body = options.body ?? { message };
  }
}

interface HttpErrorOptions {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isGuess?: boolean;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** 403 as GitLab words it. */
export function forbidden(why: string, headers: Readonly<Record<string, string>> = {}): HttpError {
  return new HttpError(`403 Forbidden - ${why}`, { statusCode: 403, headers });
}

/** 403 for a token that is none of ours. */
export function wrongToken(kind: "runner" | "registration" | "job"): HttpError {
  return new HttpError(`403 Forbidden - invalid ${kind} token`, { statusCode: 403, isGuess: true });
}

/** 404 as GitLab words it. */
export function notFound(what: string): HttpError {
  return new HttpError(`404 ${what} Not Found`, { statusCode: 404 });
}

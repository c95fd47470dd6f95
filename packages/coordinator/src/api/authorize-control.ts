import type { FastifyRequest } from "fastify";
import { isSameSecret } from "../tokens.ts";
import type { ApiContext } from "./api-context.ts";
import { headerOf } from "./authenticate.ts";
import { HttpError } from "./http-errors.ts";

/**
 * Lets in who brings a token; without one, unless the coordinator was given an access token, whoever is on this machine.
 * @throws {HttpError} 401, 403.
 */
export function authorizeControl(context: ApiContext, request: FastifyRequest): void {
  const given = tokenOf(request);
  if (isKnownToken(context, given)) return;
  if (context.settings.accessToken !== undefined) {
    throw new HttpError("401 Unauthorized", { statusCode: 401, isGuess: given !== undefined });
  }
  if (!isLoopback(request)) throw new HttpError("401 Unauthorized", { statusCode: 401 });
  // A page in this machine's browser could call us: it sends its origin, or after DNS rebinding its own host name.
  const ourHosts = [new URL(context.url()).host, `localhost:${new URL(context.url()).port}`];
  const { origin } = request.headers;
  if (origin !== undefined && !ourHosts.includes(URL.parse(origin)?.host ?? "")) {
    throw new HttpError("403 Forbidden - cross-origin", { statusCode: 403 });
  }
  if (!ourHosts.includes(request.headers.host ?? "")) throw new HttpError("403 Forbidden - host", { statusCode: 403 });
}

/**
 * For what runs code of the caller's choice as this process's user, or shows secrets: other users of the machine reach
 * loopback too, but cannot read the token.
 * @throws {HttpError} 401.
 */
export function requireToken(context: ApiContext, request: FastifyRequest): void {
  const given = tokenOf(request);
  if (isKnownToken(context, given)) return;
  throw new HttpError("401 Unauthorized - this needs the access token", {
    statusCode: 401,
    isGuess: given !== undefined,
  });
}

/** Like `requireToken`, and only from this machine: the call names folders of its file system. */
export function requireLocalToken(context: ApiContext, request: FastifyRequest): void {
  requireToken(context, request);
  if (!isLoopback(request)) throw new HttpError("403 Forbidden - not from this machine", { statusCode: 403 });
}

function tokenOf(request: FastifyRequest): string | undefined {
  return headerOf(request, "private-token") ?? /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

/** Whether it is one of the control API's tokens. */
export function isKnownToken({ settings, localToken }: ApiContext, given: string | undefined): boolean {
  if (given === undefined) return false;
  return [localToken, settings.accessToken].some((token) => token !== undefined && isSameSecret(given, token));
}

function isLoopback({ socket }: FastifyRequest): boolean {
  return socket.remoteAddress === "::1" || /^(::ffff:)?127\./.test(socket.remoteAddress ?? "");
}

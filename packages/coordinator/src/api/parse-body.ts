import type { z } from "zod";
import { HttpError } from "./http-errors.ts";

/** Checks what came in. Unknown keys pass: runners of every version call. @throws {HttpError} 400 naming the key. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new HttpError(`400 Bad request - ${issue?.path.join(".") ?? "body"}: ${issue?.message ?? "invalid"}`, {
    statusCode: 400,
  });
}

/** An id from a path. @throws {HttpError} 404 for anything else. */
export function parseId(text: string | undefined, what: string): number {
  const id = Number(text);
  if (text === undefined || !/^\d{1,15}$/.test(text) || id < 1) {
    throw new HttpError(`404 ${what} Not Found`, { statusCode: 404 });
  }
  return id;
}

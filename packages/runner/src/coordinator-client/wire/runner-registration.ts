import { z } from "zod";

/** What register, verify and reset answer (runner-protocol.md §1.6). */
export const runnerCredentialsSchema = z.object({
  id: z
    .number()
    .int()
    .nullish()
    .transform((value) => value ?? 0),
  token: z
    .string()
    .nullish()
    .transform((value) => value ?? ""),
  token_expires_at: z
    .string()
    .nullish()
    .transform((value) => (value == null || Number.isNaN(Date.parse(value)) ? undefined : new Date(value))),
});

import { z } from "zod";

/** GitLab's numeric ids, in decimal. */
const numericId = z.string().regex(/^\d{1,19}$/, "expected a decimal number");

/** Path of `/api/traces/:traceId`. */
export const traceParams = z.object({
  traceId: z
    .string()
    .regex(/^[0-9a-f]{32}$/i, "expected 32 hexadecimal digits")
    .transform((id) => id.toLowerCase()),
});

/** Path of `/api/jobs/:jobId/trace`. */
export const jobParams = z.object({ jobId: numericId });

/** Query string of `/api/jobs` and `/api/pipelines`. */
export const listParams = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  projectId: numericId.optional(),
  pipelineId: z.string().max(100).optional(),
});

/** Body of `POST /api/sql`. */
export const sqlParams = z.strictObject({
  query: z.string().min(1).max(100_000),
  format: z.string().regex(/^\w+$/, "expected the name of a ClickHouse format").optional(),
});

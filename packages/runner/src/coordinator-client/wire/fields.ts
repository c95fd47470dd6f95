import { z } from "zod";

/** Fields of a job payload: `null` stands for an absent object, array or text (runner-protocol.md §1.8). */
export const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");

export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

export const whole = z
  .number()
  .int()
  .nullish()
  .transform((value) => value ?? 0);

export const list = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .nullish()
    .transform((value): z.output<Item>[] => value ?? []);

export const table = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((value) => value ?? {});

/** An object whose fields are neutral when it is absent. */
export const part = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.preprocess((value) => value ?? {}, z.object(shape));

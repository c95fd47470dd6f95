import { StoreError } from "../store/store-error.ts";

/**
 * Lets at most `running` calls run at once and `waiting` wait for it; more are turned away.
 *
 * An embedded query occupies one of the process's four worker threads until it is done, and the writer needs the others.
 */
export function createSlots(limits: { running: number; waiting: number }): <T>(run: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let running = 0;
  return async (run) => {
    if (running >= limits.running) {
      if (queue.length >= limits.waiting) throw tooMany();
      const { promise, resolve } = Promise.withResolvers<void>();
      queue.push(resolve);
      await promise;
    } else running += 1;
    try {
      return await run();
    } finally {
      const next = queue.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function tooMany(): StoreError {
  const detail = "too many queries are running; try again";
  return new StoreError({ code: "overloaded", operation: "query", retryable: true, detail });
}

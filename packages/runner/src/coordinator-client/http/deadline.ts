/** A signal that follows another and has a time limit of its own. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Follows `parent`, and aborts with a `TimeoutError` after `timeoutMs`.
 *
 * Unlike `AbortSignal.any` with `AbortSignal.timeout` it holds no timer and no listener once disposed of: calls last
 * milliseconds, limits an hour, and a busy runner makes a hundred calls a second.
 */
export function startDeadline(parent: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  const follow = () => controller.abort(parent.reason);
  if (parent.aborted) follow();
  parent.addEventListener("abort", follow, { once: true });
  const expire = () => controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, "TimeoutError"));
  const timer = setTimeout(expire, timeoutMs);
  timer.unref();
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      parent.removeEventListener("abort", follow);
    },
  };
}

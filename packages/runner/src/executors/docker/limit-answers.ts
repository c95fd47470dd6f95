import type { Engine } from "./engine.ts";

/** A request as the client's transport gets it, as far as it matters here. */
interface Dial {
  readonly path: string;
  readonly abortSignal?: AbortSignal;
}

type Answered = (error: unknown, answer?: unknown) => void;

/** What an engine may take long to begin to answer: it waits for a registry, or for what it is sent. */
const unhurried = /^\/(?:images\/(?:create|load)|build)\b/;

/**
 * Has every request fail whose answer does not begin in time: a connection to an engine that is frozen, or to a machine
 * that is gone, stays open for ever. Once it has begun, an answer may take as long as it likes.
 */
export function limitAnswers(engine: Engine, answerTimeoutMs: number): Engine {
  const { modem } = engine as { readonly modem: { dial(options: Dial, callback: Answered): void } };
  const dial = modem.dial.bind(modem);
  modem.dial = (options, callback) => {
    if (unhurried.test(options.path)) return dial(options, callback);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), answerTimeoutMs);
    const abortSignal =
      options.abortSignal === undefined ? late.signal : AbortSignal.any([options.abortSignal, late.signal]);
    dial({ ...options, abortSignal }, (error, answer) => {
      clearTimeout(timer);
      const isLate = late.signal.aborted;
      callback(
        isLate ? new Error(`the Docker engine did not answer within ${answerTimeoutMs / 1000} s`) : error,
        answer,
      );
    });
  };
  return engine;
}

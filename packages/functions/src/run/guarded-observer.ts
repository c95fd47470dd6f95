import type { FetchObservation, StepObservation, StepObserver } from "./observer.ts";

const silentFetch: FetchObservation = { ended: () => {} };
const silentStep: StepObservation = {
  environment: {},
  loaded: () => {},
  fetchStarted: () => silentFetch,
  ended: () => {},
};

/** An observer that cannot fail a job: whatever the given one throws is dropped (telemetry.md §4 "Never in the way"). */
export function guardObserver(observer: StepObserver | undefined): StepObserver {
  if (observer === undefined) return { stepStarted: () => silentStep };
  const originals = new WeakMap<StepObservation, StepObservation>();
  return {
    stepStarted(start) {
      const parent = start.parent && originals.get(start.parent);
      const original = dropThrown(() => observer.stepStarted({ ...start, parent }), silentStep);
      const guarded = guardStep(original);
      originals.set(guarded, original);
      return guarded;
    },
  };
}

function guardStep(step: StepObservation): StepObservation {
  return {
    environment: dropThrown(() => ({ ...step.environment }), {}),
    loaded: (facts) => dropThrown(() => step.loaded(facts), undefined),
    ended: (end) => dropThrown(() => step.ended(end), undefined),
    fetchStarted(start) {
      const fetch = dropThrown(() => step.fetchStarted(start), silentFetch);
      return { ended: (end) => dropThrown(() => fetch.ended(end), undefined) };
    },
  };
}

function dropThrown<T>(call: () => T, otherwise: T): T {
  try {
    return call();
  } catch {
    return otherwise; // the observer's own log is the place for its faults
  }
}

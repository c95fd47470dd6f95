import type { TaskFacts } from "../workspace/workspace.ts";

/** How often the runner hears of a transfer that goes on. */
const pauseMs = 200;

export interface FactGatherer {
  add(facts: TaskFacts): void;
  /** Tells what was not told yet. */
  flush(): void;
}

/** Tells facts together that come soon after each other: a transfer learns something with every piece. */
export function gatherFacts(tell: (facts: TaskFacts) => void): FactGatherer {
  let untold: TaskFacts | undefined;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (untold !== undefined) tell(untold);
    untold = undefined;
  };
  return {
    flush,
    add(facts) {
      untold = { ...untold, ...facts };
      timer ??= setTimeout(flush, pauseMs);
    },
  };
}

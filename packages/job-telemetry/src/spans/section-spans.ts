import type { UnixNano } from "../clock.ts";
import type { LogSectionEvent } from "../log-sections/log-section-event.ts";
import type { LeafSpan, SectionOptions } from "./job-trace.ts";

/** More sections inside one another are no structure but garbage: their markers are ignored. */
const maxDepth = 128;
/** A marker that says less than this many seconds ago is printed as it happens; our own clock is finer then. */
const lateSeconds = 2;

/** What a stage can do for its sections. */
export interface SectionOpener {
  /** Opens a section span below `parent`, or directly below the stage. */
  open(options: SectionOptions, parent: LeafSpan | undefined): LeafSpan;
  end(span: LeafSpan, unixSeconds: number): void;
}

/** The sections that are open in one stage's log, outermost first; balances what the log does not. */
export class SectionSpans {
  readonly #opener: SectionOpener;
  readonly #open: { name: string; span: LeafSpan }[] = [];

  constructor(opener: SectionOpener) {
    this.#opener = opener;
  }

  record(event: LogSectionEvent): void {
    if (event.kind === "start") this.#start(event);
    else this.#end(event);
  }

  #start(event: LogSectionEvent & { kind: "start" }): void {
    if (this.#open.length >= maxDepth) return;
    const { name, unixSeconds } = event;
    const collapsed = event.options.get("collapsed") === "true";
    const span = this.#opener.open({ name, unixSeconds, collapsed }, this.#open.at(-1)?.span);
    this.#open.push({ name, span });
  }

  #end({ name, unixSeconds }: LogSectionEvent): void {
    const index = this.#open.findLastIndex((section) => section.name === name);
    if (index === -1) return;
    for (const { span } of this.#open.splice(index).reverse()) this.#opener.end(span, unixSeconds);
  }
}

/**
 * When a marker happened. It tells whole seconds of the job's own clock, and is mostly seen as it is printed: then now is
 * more exact. A script that prints its sections afterwards, with the times it measured, is believed.
 */
export function markerTime(unixSeconds: number | undefined, now: UnixNano): UnixNano {
  if (unixSeconds === undefined || !Number.isSafeInteger(unixSeconds)) return now;
  const time = BigInt(unixSeconds) * 1_000_000_000n;
  return now - time > BigInt(1 + lateSeconds) * 1_000_000_000n ? time : now;
}

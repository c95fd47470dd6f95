import assert from "node:assert/strict";
import { cpSync, readdirSync, renameSync, statSync, truncateSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { setTimeout as pass, setImmediate as turn } from "node:timers/promises";
import { silentLog } from "@jobscope/labkit";
import fc from "fast-check";
import { encodeSpan } from "../src/otlp/export-batch.ts";
import { defaultInterruption } from "../src/otlp/spool/interrupted-span.ts";
import { SpanSpool } from "../src/otlp/spool/span-spool.ts";
import { defaultSpoolLimits } from "../src/otlp/spool/spool-limits.ts";
import type { SpoolTicket } from "../src/otlp/spool/spool-ticket.ts";
import { decodeRequest } from "./support/decode-request.ts";
import { aSpan } from "./support/spans.ts";

/**
 * What can happen to a spool. `crash` is a SIGKILL, which leaves the files as they are, or a power failure, which also
 * takes `torn` bytes of what was written last.
 */
type Event =
  | { readonly kind: "begin" | "span" | "turn" | "write" | "stop" | "clock-back" }
  | { readonly kind: "end" | "settle"; readonly pick: number }
  | { readonly kind: "deliver"; readonly spans: number }
  | { readonly kind: "crash"; readonly torn: number };

const pick = fc.nat({ max: 1_000 });
const anyEvent = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Event>({ kind: "begin" }, { kind: "span" }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("end" as const, "settle" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("deliver" as const), spans: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.constantFrom<Event>({ kind: "turn" }, { kind: "write" }) },
  { weight: 1, arbitrary: fc.constantFrom<Event>({ kind: "stop" }, { kind: "clock-back" }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("crash" as const), torn: fc.oneof(fc.constant(0), fc.nat({ max: 700 })) }),
  },
);

/** A process in an earlier time than the one before it: its segments must not count as the older ones. */
const deliveredInAnEarlierTime: Event[] = [
  { kind: "begin" },
  { kind: "span" },
  { kind: "clock-back" },
  { kind: "deliver", spans: 1 },
  { kind: "stop" },
  { kind: "stop" },
];

/** A span of the test: what its spool says of it, and what was delivered of it. */
interface Tracked {
  readonly number: number;
  open: SpoolTicket | undefined;
  ticket: SpoolTicket | undefined;
  hasEnded: boolean;
  /** A crash left it on disk: it has to be delivered by some later start. */
  mustCome: boolean;
  /** Delivered by the process that lives now, which may not have written that down yet. */
  isFreshlyDelivered: boolean;
  /** A crash may have taken the word that it was delivered. */
  mayRepeat: boolean;
  delivered: number;
  /** Its process was gone before it had ended, or before its end was on disk. */
  mayBeCutShort: boolean;
}

test("wherever a spool is cut off, as often as it is: no span on disk is missing later, and none comes twice that was written down as delivered", async () => {
  await using folders = new AsyncDisposableStack();
  const top = await mkdtemp(join(tmpdir(), "labkit-crash-"));
  folders.defer(() => rm(top, { recursive: true, force: true }));
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyEvent, { minLength: 5, maxLength: 40 }), async (events) => {
      const scene = new Scene(join(top, String(runs++)));
      await scene.start();
      for (const event of events) await scene.play(event);
      await scene.finish();
    }),
    { numRuns: 60, examples: [[deliveredInAnEarlierTime]] },
  );
});

class Scene {
  readonly #top: string;
  #lives = 0;
  #spool!: SpanSpool;
  /** Segments of earlier lives. */
  #found: ReadonlySet<string> = new Set();
  readonly #spans = new Map<number, Tracked>();

  constructor(top: string) {
    this.#top = top;
  }

  get #folder(): string {
    return join(this.#top, String(this.#lives));
  }

  async start(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await this.#open();
  }

  async play(event: Event): Promise<void> {
    switch (event.kind) {
      case "begin":
        this.#track().open = this.#spool.addOpen(encodeLater(this.#spans.size));
        break;
      case "span": {
        const span = this.#track();
        this.#finish(span);
        break;
      }
      case "end": {
        const span = this.#choose(event.pick, ({ hasEnded, open }) => !hasEnded && open !== undefined);
        if (span !== undefined) this.#finish(span);
        break;
      }
      case "settle": {
        const span = this.#choose(event.pick, ({ ticket, delivered }) => ticket !== undefined && delivered === 0);
        if (span?.ticket !== undefined) this.#deliver(span, span.ticket);
        break;
      }
      case "deliver":
        await this.#deliverBacklog(event.spans);
        break;
      case "turn":
        await turn();
        break;
      case "write":
        // Longer than spans wait for company.
        await pass(7);
        break;
      case "stop":
        await this.#stop();
        break;
      case "clock-back":
        await this.#stop({ clockBackMs: 3_600_000 });
        break;
      case "crash":
        await this.#crash(event.torn);
        break;
    }
  }

  /** Delivers all there is, then looks at what became of each span. */
  async finish(): Promise<void> {
    await this.#crash(0);
    await this.#deliverBacklog(Number.POSITIVE_INFINITY);
    await this.#stop();
    assert.equal(this.#spool.backlogSpans, 0);
    await this.#spool[Symbol.asyncDispose]();
    const left = readdirSync(this.#folder);
    assert.deepEqual(left, [], "nothing is left on disk");
    for (const { number, mustCome, delivered } of this.#spans.values()) {
      assert.ok(!mustCome || delivered > 0, `span ${number} was on disk and is missing`);
    }
  }

  #track(): Tracked {
    const number = this.#spans.size + 1;
    const span: Tracked = {
      number,
      open: undefined,
      ticket: undefined,
      hasEnded: false,
      mustCome: false,
      isFreshlyDelivered: false,
      mayRepeat: false,
      delivered: 0,
      mayBeCutShort: false,
    };
    this.#spans.set(number, span);
    return span;
  }

  #finish(span: Tracked): void {
    span.ticket = this.#spool.add(encodeLater(span.number), span.open);
    span.hasEnded = true;
  }

  #choose(wanted: number, condition: (span: Tracked) => boolean): Tracked | undefined {
    const candidates = [...this.#spans.values()].filter(condition);
    return candidates[wanted % candidates.length];
  }

  #deliver(span: Tracked, ticket: SpoolTicket): void {
    assert.ok(span.delivered === 0 || span.mayRepeat, `span ${span.number} came again`);
    span.delivered++;
    span.mayRepeat = false;
    span.isFreshlyDelivered = true;
    span.ticket = undefined;
    this.#spool.settle(ticket);
  }

  async #deliverBacklog(spans: number): Promise<void> {
    for (;;) {
      const recovered = await this.#spool.takeBacklog({ maxSpans: Math.min(spans, 50), maxBytes: 1_000_000 });
      for (const { ticket, payload } of recovered) {
        const [received] = decodeRequest(payload);
        const span = this.#spans.get(Number(received?.name.replace("span ", "")));
        assert.ok(span !== undefined, "a span that never was");
        assert.equal(received?.spanId, aSpan(span.number).spanContext().spanId);
        const isCutShort = received?.attributes["error.type"] === "process_ended";
        assert.ok(!isCutShort || span.mayBeCutShort, `span ${span.number} had ended`);
        this.#deliver(span, ticket);
      }
      if (recovered.length === 0 || spans !== Number.POSITIVE_INFINITY) return;
    }
  }

  /** In order: all is on disk afterwards, and found again, also by a process that lives in an earlier time. */
  async #stop({ clockBackMs = 0 } = {}): Promise<void> {
    await this.#spool[Symbol.asyncDispose]();
    for (const name of readdirSync(this.#folder)) {
      const [born, ...rest] = name.split("-");
      renameSync(join(this.#folder, name), join(this.#folder, [Number(born) + clockBackMs, ...rest].join("-")));
    }
    for (const span of this.#spans.values()) span.isFreshlyDelivered = false;
    this.#leave((ticket) => ticket.state === "stored");
    await this.#open();
  }

  async #crash(torn: number): Promise<void> {
    const dead = this.#spool;
    const from = this.#folder;
    this.#lives++;
    cpSync(from, this.#folder, { recursive: true });
    const cutAt = this.#tear(torn);
    this.#leave(({ state, stored }) => {
      if (state !== "stored" || stored === undefined) return false;
      return basename(stored.segment.path) !== cutAt?.name || stored.end <= cutAt.bytes;
    });
    await dead[Symbol.asyncDispose]();
    await rm(from, { recursive: true });
    await this.#open();
  }

  /** Takes the end of the segment away that was being written: one at a time, so no other can be torn. */
  #tear(torn: number): { name: string; bytes: number } | undefined {
    const name = readdirSync(this.#folder)
      .filter((each) => !this.#found.has(each))
      .sort()
      .at(-1);
    if (name === undefined) return undefined;
    const path = join(this.#folder, name);
    const bytes = Math.max(0, statSync(path).size - torn);
    truncateSync(path, bytes);
    return { name, bytes };
  }

  /** The process is gone: what it had in memory is on disk or lost. */
  #leave(isOnDisk: (ticket: SpoolTicket) => boolean): void {
    for (const span of this.#spans.values()) {
      const { ticket, open, delivered } = span;
      const hasEndOnDisk = ticket !== undefined && isOnDisk(ticket);
      if (delivered === 0 && (hasEndOnDisk || (ticket === undefined && open !== undefined && isOnDisk(open)))) {
        span.mustCome = true;
      }
      if (!hasEndOnDisk) span.mayBeCutShort = true;
      if (span.isFreshlyDelivered) span.mayRepeat = true;
      span.isFreshlyDelivered = false;
      span.ticket = undefined;
      span.open = undefined;
    }
  }

  async #open(): Promise<void> {
    const opened = Promise.withResolvers<void>();
    this.#found = new Set(readdirSync(this.#folder));
    this.#spool = new SpanSpool({
      folder: Promise.resolve(this.#folder),
      limits: { ...defaultSpoolLimits, segmentBytes: 600 },
      log: silentLog,
      interrupted: defaultInterruption,
      dropped: (reason, spans) => assert.fail(`${spans} spans were given up: ${reason}`),
      changed: () => opened.resolve(),
    });
    await opened.promise;
  }
}

function encodeLater(number: number): () => Buffer | undefined {
  return () => encodeSpan(aSpan(number));
}

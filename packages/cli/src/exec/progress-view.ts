import type { CommandContext } from "../context.ts";
import { LiveRegion } from "../terminal/live-region.ts";
import { foldRows } from "../view/fold-rows.ts";
import { formatDuration } from "../view/format-duration.ts";
import { jobCounts } from "../view/pipeline-report.ts";
import type { PipelineView } from "../view/pipeline-view.ts";
import { plainProgress } from "../view/plain-progress.ts";
import { waterfallLines } from "../view/waterfall-lines.ts";
import { waterfallRows } from "../view/waterfall-row.ts";

/** Shows a pipeline while it runs. */
export interface ProgressView extends Disposable {
  /** Something changed; it is shown soon. */
  changed(): void;
  /** A line that stays: a warning, an answer to Ctrl-C. */
  note(text: string): void;
  /** Shows the last state and, on a terminal, makes room for what stays. */
  [Symbol.dispose](): void;
}

/** The pipeline as it is at the moment of the call. */
export type ReadPipeline = () => PipelineView;

export function createProgressView(
  context: CommandContext,
  options: { isPlain: boolean; read: ReadPipeline },
): ProgressView {
  return options.isPlain ? new PlainView(context, options.read) : new LiveView(context, options.read);
}

/** Lines for whoever reads a log. */
class PlainView implements ProgressView {
  readonly #context: CommandContext;
  readonly #read: ReadPipeline;
  #told: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;

  constructor(context: CommandContext, read: ReadPipeline) {
    this.#context = context;
    this.#read = read;
  }

  changed(): void {
    this.#timer ??= setTimeout(() => this.#tell(), 50);
  }

  note(text: string): void {
    this.#tell();
    this.#context.stderr.write(`${text}\n`);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { lines, told } = plainProgress(this.#read(), this.#told);
    this.#told = told;
    if (lines.length > 0) this.#context.stdout.write(`${lines.join("\n")}\n`);
  }

  [Symbol.dispose](): void {
    this.#tell();
  }
}

const frameMs = 100;

/** A waterfall that is redrawn in place, ten times a second at most, and at most a tenth of the time. */
class LiveView implements ProgressView {
  readonly #context: CommandContext;
  readonly #read: ReadPipeline;
  readonly #region: LiveRegion;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  readonly #onResize = (): void => this.#draw();

  constructor(context: CommandContext, read: ReadPipeline) {
    this.#context = context;
    this.#read = read;
    this.#region = new LiveRegion(context.stdout);
    context.stdout.on("resize", this.#onResize);
    this.#draw();
  }

  /** The next frame shows it: running time passes in any case, so frames come whether something changed or not. */
  changed(): void {}

  note(text: string): void {
    this.#region.printAbove(text);
  }

  #draw(): void {
    clearTimeout(this.#timer);
    const beganMs = performance.now();
    this.#region.draw(this.#lines());
    this.#frame += 1;
    const tookMs = performance.now() - beganMs;
    this.#timer = setTimeout(() => this.#draw(), Math.max(frameMs, tookMs * 10)).unref();
  }

  #lines(): string[] {
    const { palette, stdout, width } = this.#context;
    const pipeline = this.#read();
    const nowUnixNano = BigInt(Date.now()) * 1_000_000n;
    const startUnixNano = pipeline.startUnixNano ?? nowUnixNano;
    const window = { startUnixNano, endUnixNano: pipeline.endUnixNano ?? nowUnixNano };
    // Head line, axis and the line that the cursor stands on.
    const rows = foldRows(waterfallRows(pipeline), Math.max(1, stdout.rows - 4));
    const head = `${palette.bold(formatDuration(window.endUnixNano - startUnixNano).padStart(7))}  ${jobCounts(pipeline, palette)}`;
    return [head, ...waterfallLines(rows, { width: width(), palette, window, frame: this.#frame })];
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#context.stdout.off("resize", this.#onResize);
    this.#region.clear();
    this.#region[Symbol.dispose]();
  }
}

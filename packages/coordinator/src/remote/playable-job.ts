/** A `manual` or `scheduled` job that waits for somebody to start it. */
export interface PlayableJob {
  readonly id: number;
  readonly name: string;
  readonly pipelineId: number;
  readonly projectId: number;
  /** What to ask before: `manual_confirmation`. */
  readonly confirmation: string | undefined;
  /** Its `inputs:` by name: `string`, `number`, `boolean` or `array`. */
  readonly inputTypes: ReadonlyMap<string, string>;
}

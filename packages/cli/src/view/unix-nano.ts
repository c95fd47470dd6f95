/** `Math.max` for times. */
export function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** The least of some times; `undefined` of none. */
export function earliest(times: readonly bigint[]): bigint | undefined {
  return times.reduce<bigint | undefined>(
    (least, time) => (least === undefined || time < least ? time : least),
    undefined,
  );
}

/** The greatest of some times; `undefined` of none. */
export function latest(times: readonly bigint[]): bigint | undefined {
  return times.reduce<bigint | undefined>((most, time) => (most === undefined ? time : later(most, time)), undefined);
}

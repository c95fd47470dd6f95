/** How many senders are told apart; the one unheard of for longest is forgotten first. */
const maxSenders = 10_000;

/**
 * A token bucket for each sender: `perSecond` requests a second, and as many at once.
 *
 * @param now milliseconds of a clock that never goes back.
 * @returns whether this sender's request is within its limit.
 */
export function createRateLimit(perSecond: number, now: () => number): (sender: string) => boolean {
  const buckets = new Map<string, { left: number; at: number }>();
  return (sender) => {
    const at = now();
    const { left, at: before } = buckets.get(sender) ?? { left: perSecond, at };
    const refilled = Math.min(perSecond, left + ((at - before) * perSecond) / 1000);
    const isWithin = refilled >= 1;
    // Put at the end: a map keeps the order of insertion, so its first key is the oldest.
    buckets.delete(sender);
    buckets.set(sender, { left: isWithin ? refilled - 1 : refilled, at });
    const [oldest] = buckets.keys();
    if (buckets.size > maxSenders && oldest !== undefined) buckets.delete(oldest);
    return isWithin;
  };
}

/** How many senders are told apart; the one unheard of for longest is forgotten first. */
const maxSenders = 10_000;

/**
 * A token bucket for each sender: `perSecond` requests or bytes a second, and as many at once.
 *
 * @param now milliseconds of a clock that never goes back.
 * @returns whether what this sender sends is within its limit. `cost` (default 1) may be more than the bucket holds: it
 *   then takes a full one, and is paid off before the next.
 */
export function createRateLimit(perSecond: number, now: () => number): (sender: string, cost?: number) => boolean {
  const buckets = new Map<string, { left: number; at: number }>();
  return (sender, cost = 1) => {
    const at = now();
    const { left, at: before } = buckets.get(sender) ?? { left: perSecond, at };
    const refilled = Math.min(perSecond, left + ((at - before) * perSecond) / 1000);
    const isWithin = refilled >= Math.min(cost, perSecond);
    // Put at the end: a map keeps the order of insertion, so its first key is the oldest.
    buckets.delete(sender);
    buckets.set(sender, { left: isWithin ? refilled - cost : refilled, at });
    const [oldest] = buckets.keys();
    if (buckets.size > maxSenders && oldest !== undefined) buckets.delete(oldest);
    return isWithin;
  };
}

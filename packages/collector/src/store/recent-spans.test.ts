import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SpanRow } from "../rows/span-row.ts";
import { printsOf, RecentSpans } from "./recent-spans.ts";

const row = (spanId: string, timestamp = 1n) => ({ traceId: "t", spanId, timestamp }) as SpanRow;
const idsOf = (rows: readonly SpanRow[]) => rows.map(({ spanId }) => spanId);

describe("recently stored spans", () => {
  test("are known again", () => {
    const recent = new RecentSpans();
    recent.add(printsOf([row("a"), row("b")]));
    assert.deepEqual(idsOf(recent.sift([row("a"), row("c"), row("b")]).fresh), ["c"]);
  });

  test("are not known by having been asked about", () => {
    const recent = new RecentSpans();
    recent.sift([row("a")]).fresh;
    assert.deepEqual(idsOf(recent.sift([row("a")]).fresh), ["a"]);
  });

  test("count once within one request", () => {
    assert.deepEqual(idsOf(new RecentSpans().sift([row("a"), row("a")]).fresh), ["a"]);
  });

  test("are other spans when they began at another time", () => {
    const recent = new RecentSpans();
    recent.add(printsOf([row("a", 1n)]));
    assert.deepEqual(idsOf(recent.sift([row("a", 2n)]).fresh), ["a"]);
  });

  test("are told apart, a hundred thousand of them", () => {
    const recent = new RecentSpans(100_000);
    const rows = Array.from({ length: 100_000 }, (_, i) => row(i.toString(16).padStart(16, "0"), BigInt(i % 3)));
    assert.equal(recent.sift(rows).fresh.length, rows.length);
    recent.add(printsOf(rows.slice(0, 50_000)));
    const fresh = recent.sift(rows).fresh;
    assert.equal(fresh.length, 50_000);
    assert.equal(fresh[0], rows[50_000]);
  });

  test("are forgotten after twice the capacity, not before once", () => {
    const recent = new RecentSpans(10);
    recent.add(printsOf([row("first")]));
    for (let i = 0; i < 10; i += 1) recent.add(printsOf([row(`${i}`)]));
    assert.deepEqual(idsOf(recent.sift([row("first")]).fresh), []);
    for (let i = 10; i < 30; i += 1) recent.add(printsOf([row(`${i}`)]));
    assert.deepEqual(idsOf(recent.sift([row("first")]).fresh), ["first"]);
  });
});

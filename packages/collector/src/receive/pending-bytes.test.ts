import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PendingBytes } from "./pending-bytes.ts";

test("reservations never hold more than the bound, and give back what they held", () => {
  const step = fc.record({ who: fc.nat(3), bytes: fc.nat(120), ends: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const pending = new PendingBytes(100);
      const shares = [0, 0, 0, 0];
      const reservations = shares.map(() => pending.reserve());
      for (const { who, bytes, ends } of steps) {
        if (ends) {
          reservations[who]?.[Symbol.dispose]();
          shares[who] = 0;
        } else if (reservations[who]?.resize(bytes)) shares[who] = bytes;
        assert.equal(
          pending.held,
          shares.reduce((sum, share) => sum + share),
        );
        assert.ok(pending.held <= 100);
      }
      for (const reservation of reservations) reservation[Symbol.dispose]();
      assert.equal(pending.held, 0);
    }),
  );
});

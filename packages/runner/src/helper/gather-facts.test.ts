import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskFacts } from "../workspace/workspace.ts";
import { gatherFacts } from "./gather-facts.ts";

test("facts of one moment are told together, the later ones in the place of the earlier", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told: TaskFacts[] = [];
  const facts = gatherFacts((some) => told.push(some));
  facts.add({ files: 1, networkBytes: 1 });
  facts.add({ networkBytes: 2 });
  assert.deepEqual(told, []);
  t.mock.timers.tick(200);
  assert.deepEqual(told, [{ files: 1, networkBytes: 2 }]);
  facts.add({ networkBytes: 3 });
  facts.flush();
  facts.flush();
  t.mock.timers.tick(200);
  assert.deepEqual(told, [{ files: 1, networkBytes: 2 }, { networkBytes: 3 }]);
});

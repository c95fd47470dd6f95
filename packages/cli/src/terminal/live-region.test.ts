import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Screen } from "../../test/screen.ts";
import { LiveRegion } from "./live-region.ts";

test("each drawing takes the place of the one before", () => {
  const screen = new Screen(40, 10);
  screen.write("before\n");
  const region = new LiveRegion(screen);
  region.draw(["one", "two", "three"]);
  region.draw(["one", "2"]);
  assert.equal(screen.text(), "before\none\n2");
});

test("a line that did not change is not written again", () => {
  const screen = new Screen(40, 10);
  const region = new LiveRegion(screen);
  region.draw(["stays", "old"]);
  const before = screen.printed;
  region.draw(["stays", "new"]);
  assert.equal(screen.printed - before, 3);
});

test("what is printed above stays, and the region below it", () => {
  const screen = new Screen(40, 10);
  const region = new LiveRegion(screen);
  region.draw(["one", "two"]);
  region.printAbove("a warning");
  region.draw(["one", "three"]);
  assert.equal(screen.text(), "a warning\none\nthree");
});

test("a cleared region leaves nothing, and the cursor is visible again at the end", () => {
  const screen = new Screen(40, 10);
  const region = new LiveRegion(screen);
  region.draw(["one", "two"]);
  assert.equal(screen.isCursorVisible, false);
  region.clear();
  region[Symbol.dispose]();
  assert.equal(screen.text(), "");
  assert.equal(screen.isCursorVisible, true);
});

test("whatever was drawn before, the screen shows what was drawn last", () => {
  const lines = fc.array(fc.stringMatching(/^[a-z ]{0,30}$/), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(lines, { minLength: 1, maxLength: 6 }), (drawings) => {
      const screen = new Screen(30, 10);
      const region = new LiveRegion(screen);
      for (const drawing of drawings) region.draw(drawing);
      const expected = drawings
        .at(-1)
        ?.map((line) => line.trimEnd())
        .join("\n")
        .trimEnd();
      assert.equal(screen.text(), expected);
    }),
  );
});

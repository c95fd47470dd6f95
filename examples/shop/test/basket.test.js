import assert from "node:assert/strict";
import { test } from "node:test";
import { add, emptyBasket, total } from "../src/basket.js";
import { products } from "../src/catalogue.js";

test("an empty basket costs nothing", () => assert.equal(total(emptyBasket, products), 0));
test("adding twice counts twice", () => assert.equal(add(add(emptyBasket, "mug"), "mug", 2).get("mug"), 3));
test("ten of a kind cost a tenth less", () => assert.equal(total(add(emptyBasket, "mug", 10), products), 11_250));
test("what the shop does not sell cannot be paid", () => assert.throws(() => total(add(emptyBasket, "moon"), products)));

test("a basket's sum does not depend on the order of adding", () => {
  for (let seed = 1; seed < 3000; seed++) {
    const picks = products.map((product, index) => ({ id: product.id, count: 1 + ((seed * (index + 3)) % 12) }));
    const sum = (list) => total(list.reduce((basket, { id, count }) => add(basket, id, count), emptyBasket), products);
    assert.equal(sum(picks), sum(picks.toReversed()));
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { convert, formatPrice } from "../src/money.js";

const currency = process.env.CURRENCY ?? "EUR";
const locale = process.env.LOCALE ?? "en";

const written = {
  "en EUR": "€1,250.00",
  "de EUR": "1.250,00 €",
  "ja JPY": "¥203,750",
};

test(`a price is written as ${locale} writes ${currency}`, () => {
  const text = formatPrice(convert(125_000, currency), currency, locale).normalize("NFKC");
  assert.equal(text, written[`${locale} ${currency}`]);
});

test("euro cents stay what they are", () => assert.equal(convert(1999, "EUR"), 1999));
test("yen have no smaller unit", () => assert.equal(convert(1250, "JPY"), 2038));
test("an unknown currency is refused by name", () => assert.throws(() => convert(1, "DOGE"), /no prices in DOGE/));

test("conversion never loses more than half a unit", () => {
  for (let cents = 0; cents < 400_000; cents += 7) {
    assert.ok(Math.abs(convert(cents, "USD") - cents * 1.08) <= 0.5 + 1e-6);
  }
});

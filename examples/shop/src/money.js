/** Prices are kept in euro cents; every other currency is reckoned from them. */
const currencies = {
  EUR: { perEur: 1, digits: 2 },
  USD: { perEur: 1.08, digits: 2 },
  JPY: { perEur: 163, digits: 0 },
};

/** Euro cents → the smallest unit of another currency, halves rounded up. */
export function convert(eurCents, currency) {
  const { perEur, digits } = known(currency);
  return Math.round((eurCents / 100) * perEur * 10 ** digits);
}

/** An amount in the smallest unit → text as a customer of that locale writes it. */
export function formatPrice(amount, currency, locale) {
  const { digits } = known(currency);
  return new Intl.NumberFormat(locale, { style: "currency", currency }).format(amount / 10 ** digits);
}

function known(currency) {
  const entry = currencies[currency];
  if (entry === undefined) throw new RangeError(`the shop has no prices in ${currency}`);
  return entry;
}

/** A basket: product id → how many. Baskets are values; adding gives a new one. */
export const emptyBasket = new Map();

export function add(basket, productId, count = 1) {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`cannot add ${count} of ${productId}`);
  return new Map(basket).set(productId, (basket.get(productId) ?? 0) + count);
}

/** Sum in euro cents; ten or more of one product cost a tenth less. */
export function total(basket, products) {
  let sum = 0;
  for (const [id, count] of basket) {
    const product = products.find((candidate) => candidate.id === id);
    if (product === undefined) throw new RangeError(`no product is called ${id}`);
    const full = Math.round(product.priceEur * 100) * count;
    sum += count >= 10 ? Math.round(full * 0.9) : full;
  }
  return sum;
}

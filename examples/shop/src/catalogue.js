import { readFileSync } from "node:fs";

/** The shop's products, as `catalogue/products.json` has them. */
export const products = JSON.parse(readFileSync(new URL("../catalogue/products.json", import.meta.url), "utf8"));

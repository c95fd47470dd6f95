// Draws the shop's pages: one list and one page a product, in every locale, in the theme's layout.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { products } from "../src/catalogue.js";
import { convert, formatPrice } from "../src/money.js";

const { values } = parseArgs({ options: { theme: { type: "string" }, out: { type: "string" } } });
const layout = readFileSync(join(values.theme, "layout.html"), "utf8");
const locales = { en: "EUR", de: "EUR", ja: "JPY" };

for (const [locale, currency] of Object.entries(locales)) {
  const folder = join(values.out, locale);
  mkdirSync(folder, { recursive: true });
  const price = (product) => formatPrice(convert(Math.round(product.priceEur * 100), currency), currency, locale);
  const items = products.map((product) => `<li><a href="${product.id}.html">${product.name}</a> ${price(product)}</li>`);
  write(join(folder, "index.html"), locale, "All products", `<ul>${items.join("")}</ul>`);
  for (const product of products) {
    const picture = `<img src="../images/${product.id}-240.ppm" alt="">`;
    write(join(folder, `${product.id}.html`), locale, product.name, `${picture}<p>${product.text}</p><p>${price(product)}</p>`);
  }
  console.log(`${locale}: ${products.length + 1} pages, prices in ${currency}`);
}
copyFileSync(join(values.theme, "shop.css"), join(values.out, "shop.css"));

function write(file, locale, title, body) {
  writeFileSync(file, layout.replaceAll("{{locale}}", locale).replaceAll("{{title}}", title).replace("{{body}}", body));
}

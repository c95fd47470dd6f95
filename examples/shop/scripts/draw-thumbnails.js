// Draws a picture of every product, three sizes each; what an earlier run drew is taken from the cache.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { products } from "../src/catalogue.js";

const { values } = parseArgs({ options: { cache: { type: "string" }, out: { type: "string" } } });
const sizes = [96, 240, 480];
let drawn = 0;

mkdirSync(values.cache, { recursive: true });
mkdirSync(values.out, { recursive: true });
for (const product of products) {
  for (const size of sizes) {
    const recipe = createHash("sha256").update(JSON.stringify([product.id, product.colour, size])).digest("hex");
    const cached = join(values.cache, `${recipe}.ppm`);
    if (!existsSync(cached)) {
      writeFileSync(cached, draw(product, size));
      drawn += 1;
    }
    copyFileSync(cached, join(values.out, `${product.id}-${size}.ppm`));
  }
  console.log(`${product.name}: ${sizes.map((size) => `${size} px`).join(", ")}`);
}
console.log(`${drawn} drawn, ${products.length * sizes.length - drawn} from the cache`);

/** A soft-shaded disc in the product's colour, 5 × 5 samples a pixel: slow enough to be worth a cache. */
function draw(product, size) {
  const pixels = Buffer.alloc(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let light = 0;
      for (let sample = 0; sample < 25; sample++) {
        const u = ((x + (sample % 5) / 5) / size) * 2 - 1;
        const v = ((y + Math.floor(sample / 5) / 5) / size) * 2 - 1;
        const r = Math.hypot(u, v);
        if (r < 0.85) light += Math.max(0.15, Math.cos(Math.hypot(u + 0.3, v + 0.35) * 1.4)) / 25;
      }
      for (let channel = 0; channel < 3; channel++) {
        pixels[(y * size + x) * 3 + channel] = Math.min(255, 24 + product.colour[channel] * light);
      }
    }
  }
  return Buffer.concat([Buffer.from(`P6 ${size} ${size} 255\n`), pixels]);
}

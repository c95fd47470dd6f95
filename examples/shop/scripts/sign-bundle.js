// Writes or checks FILE.sig: a keyed checksum of FILE.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: { "key-file": { type: "string" }, verify: { type: "boolean", default: false } },
  allowPositionals: true,
});
const [file] = positionals;
const signature = createHmac("sha256", readFileSync(values["key-file"])).update(readFileSync(file)).digest();

if (!values.verify) {
  writeFileSync(`${file}.sig`, `${signature.toString("hex")}\n`);
  console.log(`${file}.sig written`);
} else if (timingSafeEqual(signature, Buffer.from(readFileSync(`${file}.sig`, "utf8").trim(), "hex"))) {
  console.log(`${file} is what was signed`);
} else {
  console.error(`${file} is not what was signed`);
  process.exit(1);
}

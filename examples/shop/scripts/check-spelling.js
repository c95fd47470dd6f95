// Looks for the misspellings that customers have written in about.
import { readFileSync } from "node:fs";

const known = { definately: "definitely", seperate: "separate", recieve: "receive", accomodate: "accommodate" };
const [file] = process.argv.slice(2);
let found = 0;

readFileSync(file, "utf8").split("\n").forEach((line, index) => {
  for (const [wrong, right] of Object.entries(known)) {
    if (!line.includes(wrong)) continue;
    console.error(`${file}:${index + 1}: "${wrong}" should be "${right}"`);
    found += 1;
  }
});
console.log(`${found} misspelling${found === 1 ? "" : "s"} in ${file}`);
process.exit(found > 0 ? 3 : 0);

// Serves the built shop and asks for its pages for a while, as a few customers at once would.
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { serve } from "../src/static-server.js";

const { values } = parseArgs({ options: { root: { type: "string" }, seconds: { type: "string", default: "1" } } });
const paths = readdirSync(values.root, { recursive: true }).filter((path) => /\.(html|css|ppm)$/.test(path));
if (paths.length === 0) fail(`nothing to serve below ${values.root}`);

const server = await serve(values.root);
const base = `http://127.0.0.1:${server.address().port}`;
const endMs = performance.now() + Number(values.seconds) * 1000;
const times = [];

await Promise.all([0, 1, 2, 3].map(visit));
server.close();
server.closeAllConnections();
times.sort((a, b) => a - b);
const at = (share) => times[Math.floor((times.length - 1) * share)].toFixed(1);
console.log(`${times.length} requests over ${paths.length} files: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`);

async function visit(customer) {
  for (let turn = customer; performance.now() < endMs; turn += 4) {
    const path = paths[turn % paths.length];
    const begin = performance.now();
    const response = await fetch(`${base}/${path}`);
    await response.arrayBuffer();
    if (!response.ok) fail(`${path} was answered with ${response.status}`);
    times.push(performance.now() - begin);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { helperBundle } from "./helper-bundle.ts";

test("the helper program holds what moves files, and nothing of what exports spans or logs", async () => {
  const bundle = await helperBundle();
  const packages = new Set(
    [...bundle.matchAll(/^\/\/ node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//gm)].map(([, name]) => name),
  );
  for (const needed of ["picomatch", "tar-stream", "undici", "yauzl"]) assert.ok(packages.has(needed), needed);
  for (const heavy of ["@grpc/grpc-js", "pino", "zod", "dockerode", "@aws-sdk/client-s3"]) {
    assert.equal(packages.has(heavy), false, heavy);
  }
});

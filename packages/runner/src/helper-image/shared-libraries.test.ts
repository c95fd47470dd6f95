import assert from "node:assert/strict";
import { test } from "node:test";
import { readLddOutput } from "./shared-libraries.ts";

const cases = [
  {
    name: "glibc",
    output: [
      "\tlinux-vdso.so.1 (0x00007f4f30736000)",
      "\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f4f3066c000)",
      "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f4f3001e000)",
      "\t/lib64/ld-linux-x86-64.so.2 (0x00007f4f30738000)",
    ],
    expected: {
      loader: "/lib64/ld-linux-x86-64.so.2",
      files: ["/lib/x86_64-linux-gnu/libz.so.1", "/lib/x86_64-linux-gnu/libc.so.6"],
    },
  },
  {
    name: "glibc, with a loader that is a library too",
    output: [
      "\tlibc.so.6 => /lib64/libc.so.6 (0x00007f4f3001e000)",
      "\t/lib/ld-linux-aarch64.so.1 => /lib64/ld-linux-aarch64.so.1 (0x00007f4f30738000)",
    ],
    expected: { loader: "/lib/ld-linux-aarch64.so.1", files: ["/lib64/libc.so.6"] },
  },
  {
    name: "musl",
    output: [
      "\t/lib/ld-musl-x86_64.so.1 (0x7f2e4c4b2000)",
      "\tlibz.so.1 => /usr/lib/libz.so.1 (0x7f2e4c200000)",
      "\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f2e4c4b2000)",
    ],
    expected: { loader: "/lib/ld-musl-x86_64.so.1", files: ["/usr/lib/libz.so.1"] },
  },
  { name: "a static program", output: ["\tstatically linked"], expected: { loader: undefined, files: [] } },
  { name: "no program", output: ["\tnot a dynamic executable"], expected: { loader: undefined, files: [] } },
];

for (const { name, output, expected } of cases) {
  test(`what a program needs is read from ldd: ${name}`, () => {
    assert.deepEqual(readLddOutput("/bin/x", output.join("\n")), expected);
  });
}

test("a library that is missing is named", () => {
  assert.throws(() => readLddOutput("/bin/x", "\tlibodd.so.9 => not found"), {
    code: "HELPER_IMAGE",
    message: "/bin/x lacks a library: libodd.so.9 => not found",
  });
});

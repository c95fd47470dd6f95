const name = process.argv[2]!,
  exp = process.argv[3]!;
const m = await import(`/work/main/bench/src/${name}.ts`);
console.table(await m[exp].run());

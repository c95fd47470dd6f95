// biome-ignore-all lint/style/noProcessEnv: the libraries of Google and AWS look there.
/** Sets variables of this process (`undefined` removes one) until `cleanUp` is disposed of. */
export function setEnvironment(
  cleanUp: AsyncDisposableStack,
  values: Readonly<Record<string, string | undefined>>,
): void {
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name];
    set(name, value);
    cleanUp.defer(() => set(name, before));
  }
}

/** Says hello to a sensitive input, and has an output. */
export const greetFunction = `spec:
  inputs:
    who: { type: string, sensitive: true }
  outputs:
    greeting: { type: string }
---
exec:
  command: [sh, -c, 'echo hello $0; echo "{\\"name\\":\\"greeting\\",\\"value\\":\\"hi\\"}" >"$1"', "\${{ inputs.who }}", "\${{ output_file }}"]
`;
/** Runs a script and {@link greetFunction}, which is beside it. */
export const twiceFunction = `spec: {}
---
run:
  - { name: inner, script: echo inner }
  - { name: outer_secret, func: ../greet, inputs: { who: sensitive-value } }
`;

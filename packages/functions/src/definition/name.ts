/** Names of steps, inputs, outputs and environment entries (ci-functions.md §1.3): `build_1`, not `build-1` or `1st`. */
export const namePattern = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

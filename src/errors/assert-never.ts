/** The end of an exhaustive `switch`: a new member of the union becomes a compile error here. */
export function assertNever(value: never, what: string): never {
  throw new Error(`unexpected ${what}: ${JSON.stringify(value)}`);
}

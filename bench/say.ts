/** Everything but the JSON document of --json goes here. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

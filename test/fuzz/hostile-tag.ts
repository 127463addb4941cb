/**
 * How the peer on the server's side shall behave in one conversation. Its client says so in its application_name, so that a
 * conversation is the same however many go on beside it.
 */
export type ServerBehavior =
  /** The real server's words, as they are. */
  | 'relay'
  /** The real server's words, mutated. */
  | 'mutate'
  /** What a real server said in the recorded conversation, mutated, whatever it is asked. */
  | 'replay';

export interface HostileTag {
  readonly seed: number;
  readonly index: number;
  readonly behavior: ServerBehavior;
}

export function writeTag({ seed, index, behavior }: HostileTag): string {
  return `fuzz ${seed} ${index} ${behavior}`;
}

/** The tag in what a client sends first, if there is one that is not spoilt. */
export function findTag(bytes: Buffer): HostileTag | undefined {
  const found = /application_name\0fuzz (\d+) (\d+) (relay|mutate|replay)\0/.exec(bytes.toString('latin1'));
  if (found === null) return undefined;
  const behavior = found[3] as ServerBehavior;
  return { seed: Number(found[1]), index: Number(found[2]), behavior };
}

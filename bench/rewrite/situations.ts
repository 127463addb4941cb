import { statement, unknownStatement, type StatementKind } from './statements';

/** What can be known of a statement, what is to become of it, and its texts. */
export interface Situation {
  readonly outcome: 'not a candidate' | 'miss' | 'rewrite';
  /** @param known a constant that is cached */
  text(kind: StatementKind, known: number): string;
}

/** Constants no entry and no other statement has. */
let fresh = 500_000_000;

export const situations = {
  'no tracked table': { outcome: 'not a candidate', text: () => 'select * from elsewhere where id = 1' },
  'miss, form known': { outcome: 'miss', text: (kind) => unknownStatement(kind, ++fresh) },
  'miss, looked into': { outcome: 'miss', text: (kind) => statement(kind, ++fresh, 7) },
  // Sent as it came; the restricted form is made later, and its time is in the CPU time alone.
  'first sight': { outcome: 'rewrite', text: (kind, known) => statement(kind, known, 7, `f${++fresh}`) },
  // A comment makes a text that nothing is remembered of, but the server's opinion: parsed, restricted, parsed again.
  'unlike any, restricted': {
    outcome: 'rewrite',
    text: (kind, known) => `${statement(kind, known, 7)} /* ${++fresh} */`,
  },
  'other literals': { outcome: 'rewrite', text: (kind, known) => statement(kind, known, ++fresh) },
  'same text': { outcome: 'rewrite', text: (kind, known) => statement(kind, known, 7) },
} as const satisfies Record<string, Situation>;
export type SituationName = keyof typeof situations;

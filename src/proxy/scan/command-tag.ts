/** What a CommandComplete's tag says about the session, as far as the proxy cares. */
export const CommandEffect = {
  /** Reads or writes rows, or nothing known. */
  Other: 0,
  /** BEGIN, START TRANSACTION, SAVEPOINT, RELEASE: changes nothing a statement's meaning depends on. */
  TransactionControl: 1,
  /** COMMIT, ROLLBACK, also to a savepoint: takes settings back that were made inside. */
  TransactionEnd: 2,
  /** Changed the catalog, or may have. */
  Definition: 3,
} as const;
export type CommandEffect = (typeof CommandEffect)[keyof typeof CommandEffect];

const effects: ReadonlyMap<string, CommandEffect> = new Map([
  ['BEGIN', CommandEffect.TransactionControl],
  ['START', CommandEffect.TransactionControl],
  ['SAVEPOINT', CommandEffect.TransactionControl],
  ['RELEASE', CommandEffect.TransactionControl],
  ['COMMIT', CommandEffect.TransactionEnd],
  ['ROLLBACK', CommandEffect.TransactionEnd],
  ['CREATE', CommandEffect.Definition],
  ['ALTER', CommandEffect.Definition],
  ['DROP', CommandEffect.Definition],
  ['REFRESH', CommandEffect.Definition],
  ['IMPORT', CommandEffect.Definition],
  ['SECURITY', CommandEffect.Definition],
  ['REASSIGN', CommandEffect.Definition],
  ['GRANT', CommandEffect.Definition],
  ['REVOKE', CommandEffect.Definition],
  // What a block or a procedure did inside, its tag does not say.
  ['DO', CommandEffect.Definition],
  ['CALL', CommandEffect.Definition],
]);

const letterS = 0x53;
const letterE = 0x45;
const letterL = 0x4c;
const letterX = 0x58;

/** Whether the tag in a CommandComplete frame is SELECT; without making a string, for it is the most frequent. */
export function isSelectTag(frame: Buffer, start: number): boolean {
  return frame[start + 5] === letterS && frame[start + 6] === letterE && frame[start + 7] === letterL;
}

/** The effect of the tag in a CommandComplete frame. */
export function commandEffect(frame: Buffer, start: number, end: number): CommandEffect {
  if (isSelectTag(frame, start)) return CommandEffect.Other;
  const tag = frame.toString('latin1', start + 5, end - 1);
  const space = tag.indexOf(' ');
  return effects.get(space === -1 ? tag : tag.slice(0, space)) ?? CommandEffect.Other;
}

/** Whether the tag is SELECT or EXPLAIN, which SELECT INTO, CREATE TABLE AS and EXPLAIN ANALYZE of them have too. */
export function mayHideDefinition(frame: Buffer, start: number): boolean {
  return isSelectTag(frame, start) || (frame[start + 5] === letterE && frame[start + 6] === letterX);
}

/**
 * INSERT and MERGE where a statement, or that of a WITH, begins. Elsewhere either word can name a column: `select 1 insert into t` makes a table. A
 * semicolon or a bracket before it may be in a comment that a line ends; of others, and of strings, the end stands between them.
 */
const changesRows = /(^|[;(])\s*(insert|merge)\s+into\b/gi;

const verdicts = new WeakMap<object, boolean>();

/**
 * Only the text of such a statement tells; of several statements in one text, or of WITH, one may have written rows. Each of several has a tag, but
 * their text is read once.
 */
export function mayCreateTable(statement: { readonly text: string }): boolean {
  const known = verdicts.get(statement);
  if (known !== undefined) return known;
  const verdict = saysCreate(statement.text);
  verdicts.set(statement, verdict);
  return verdict;
}

function saysCreate(text: string): boolean {
  if (!/\b(into|create)\b/i.test(text)) return false;
  return text.includes('--') || /\b(into|create)\b/i.test(text.replace(changesRows, ''));
}

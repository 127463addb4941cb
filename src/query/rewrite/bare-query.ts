import type { Restrictable } from '../analysis/restrictable';
import type { Token } from '../ast/scan';
import { wordOf } from './token-word';

/**
 * A statement's query without what the statement does with its rows. Only within it do clauses mean what they look like to
 * a search for WHERE; and it is what the server can be asked to prepare, as it cannot for an EXPLAIN, a COPY or a cursor.
 */
export interface BareQuery {
  /** Without comments. */
  readonly tokens: readonly Token[];
  /** Where the query lies in the text, as byte offsets, [from, to), ascending. */
  readonly ranges: readonly (readonly [number, number])[];
}

/**
 * Finds a statement's query among the tokens of its text, by the words that stand before and behind it. A wrong answer does
 * no harm: what is spliced in would not be found at its place by the re-parse (rule S9), or the server would not prepare it.
 *
 * @param tokens of the whole text, without comments
 */
export function bareQuery(tokens: readonly Token[], { start, end, outerWith }: Restrictable): BareQuery {
  const own = tokens.filter((token) => token.start >= start && (end === undefined || token.end <= end));
  const words = new Words(own);
  const first = words.afterExplain();
  const spans = outerWith === undefined ? words.query(first) : words.insertBehindWith(first);
  const kept = spans.map(([from, to]) => own.slice(from, to)).filter((part) => part.length > 0);
  return {
    tokens: kept.flat(),
    ranges: kept.map((part) => [part[0]?.start ?? 0, part.at(-1)?.end ?? 0]),
  };
}

/** The text with blanks in place of all that is not the query: every byte of the query is where it was. */
export function bareText(text: string, { ranges }: BareQuery): string {
  const bytes = Buffer.from(text);
  let from = 0;
  for (const [start, end] of ranges) {
    bytes.fill(' ', from, start);
    from = end;
  }
  return bytes.fill(' ', from).toString();
}

/** Positions of words, [from, to). */
type Span = readonly [from: number, to: number];

/** The words of one statement. Searches look at those outside all parentheses only. */
class Words {
  readonly #words: readonly string[];
  readonly #depths: readonly number[];

  constructor(tokens: readonly Token[]) {
    this.#words = tokens.map(wordOf);
    let depth = 0;
    this.#depths = this.#words.map((word) => {
      if (word === ')' || word === ']') depth--;
      return word === '(' || word === '[' ? depth++ : depth;
    });
  }

  /** `EXPLAIN (…)`, `EXPLAIN ANALYZE VERBOSE`: the position behind it; 0 for a statement that is no EXPLAIN. */
  afterExplain(): number {
    if (this.#words[0] !== 'explain') return 0;
    // `EXPLAIN (SELECT …)` has no options.
    if (this.#words[1] === '(' && !this.#beginsQuery(2)) return this.#closing(1) + 1;
    let at = 1;
    while (['analyze', 'analyse', 'verbose'].includes(this.#words[at] ?? '')) at++;
    return at;
  }

  query(first: number): readonly Span[] {
    const end = this.#words.length;
    switch (this.#words[first]) {
      case 'copy': {
        const open = this.#find(['('], first);
        return [[open + 1, this.#closing(open)]];
      }
      case 'declare':
        return [[this.#find(['for'], first) + 1, end]];
      case 'create':
        return [[this.#find(['as'], first) + 1, this.#beforeWithData()]];
      case 'insert':
        return [this.#insertSource(first)];
      default:
        return this.#withoutInto(first);
    }
  }

  /** `WITH … INSERT INTO t SELECT …` */
  insertBehindWith(first: number): readonly Span[] {
    const insert = this.#find(['insert'], first);
    return [[first, insert], this.#insertSource(insert)];
  }

  /** `INSERT INTO t (a, b) SELECT … ON CONFLICT … RETURNING …` */
  #insertSource(insert: number): Span {
    let from = this.#find(['select', 'with', 'table', 'values', '('], insert);
    if (this.#words[from] === '(' && !this.#beginsQuery(from + 1))
      from = this.#find(['select', 'with', 'table', 'values', '('], this.#closing(from) + 1);
    const returning = this.#find(['returning'], from);
    const conflict = this.#words.findIndex(
      (word, i) => i > from && this.#depths[i] === 0 && word === 'on' && this.#words[i + 1] === 'conflict',
    );
    return [from, conflict === -1 ? returning : Math.min(conflict, returning)];
  }

  /** `SELECT … INTO TEMP TABLE schema.t FROM …` */
  #withoutInto(first: number): readonly Span[] {
    const end = this.#words.length;
    const into = this.#find(['into'], first);
    if (into === end) return [[first, end]];
    let behind = into + 1;
    while (['temp', 'temporary', 'unlogged', 'local', 'global', 'table'].includes(this.#words[behind] ?? ''))
      behind++;
    while (this.#words[behind + 1] === '.') behind += 2;
    return [
      [first, into],
      [behind + 1, end],
    ];
  }

  /** `CREATE TABLE t AS SELECT … WITH NO DATA` */
  #beforeWithData(): number {
    const end = this.#words.length;
    const isWithData = this.#words[end - 1] === 'data' && this.#words[end - 2] === 'with';
    return isWithData ? end - 2 : end;
  }

  #beginsQuery(at: number): boolean {
    let first = at;
    while (this.#words[first] === '(') first++;
    return ['select', 'with', 'table', 'values'].includes(this.#words[first] ?? '');
  }

  /** The position of the first of the words from a position on; the end if there is none. */
  #find(words: readonly string[], from: number): number {
    for (let at = from; at < this.#words.length; at++)
      if (this.#depths[at] === 0 && words.includes(this.#words[at] ?? '')) return at;
    return this.#words.length;
  }

  #closing(open: number): number {
    let at = open + 1;
    while (at < this.#words.length && (this.#depths[at] ?? 0) > (this.#depths[open] ?? 0)) at++;
    return at;
  }
}

import type { Random } from './random';
import { sinkTable } from './schema';
import {
  writeQuery,
  type Block,
  type Expression,
  type Protocol,
  type Query,
  type WrittenQuery,
} from './statement';

/** What a query stands in. */
export type Form =
  | 'select'
  | 'several'
  | 'insert'
  | 'create table as'
  | 'copy'
  | 'cursor'
  | 'cursor with hold'
  | 'explain'
  | 'prepare';

/** What is sent: one or several queries, in a form. */
export interface Statement {
  readonly kind: 'statement';
  readonly form: Form;
  readonly queries: readonly Query[];
  /** A condition that the rows of the query, if it is a plain one, can be parted by: true, false or unknown. */
  readonly partedBy?: Expression;
}

export type Place = 'alone' | 'in transaction';

/** A statement as a client would send it, with what has to be sent around it. */
export interface RunnableStatement extends WrittenQuery {
  readonly form: Form;
  /** Sent by themselves, before and after; what those after return belongs to the answer. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Sent at the end, outside a transaction block; it may fail. */
  readonly cleanup: readonly string[];
  /** The only place where it makes sense. */
  readonly place?: Place;
  /** Of EXPLAIN, nothing but that it succeeds. */
  readonly areRowsCompared: boolean;
  /** Sent as a prepared statement with a name, so that further executions consist of a Bind. */
  readonly isNamed: boolean;
  /** Results in binary, too. */
  readonly hasBinaryResults: boolean;
}

const forms: readonly Form[] = [
  ...Array<Form>(28).fill('select'),
  ...['several', 'several', 'insert', 'insert', 'copy', 'copy', 'cursor', 'cursor', 'explain'],
  ...['cursor with hold', 'create table as', 'prepare'],
] as Form[];

export function randomForm(random: Random): Form {
  return random.pick(forms);
}

/** Forms whose parameters, if any, the server would refuse. */
const simpleForms: ReadonlySet<Form> = new Set(['several', 'copy', 'create table as', 'prepare']);

/** How a statement is sent. */
export interface Sending {
  readonly protocol: Protocol;
  readonly isNamed: boolean;
  readonly hasBinaryResults: boolean;
}

export function randomSending(form: Form, random: Random): Sending {
  const isExtended = random.chance(0.35) && !simpleForms.has(form);
  return {
    protocol: isExtended ? random.pick(['text', 'binary']) : 'simple',
    isNamed: isExtended && random.chance(0.4),
    hasBinaryResults: isExtended && random.chance(0.2),
  };
}

/** Writes a statement out. */
export function runnable({ form, queries }: Statement, sending: Sending): RunnableStatement {
  const written = queries.map((query) => writeQuery(query, sending.protocol));
  const [query = { text: '' }] = written;
  const { isNamed, hasBinaryResults } = sending;
  const plain = {
    ...{ form, before: [], after: [], cleanup: [], areRowsCompared: true, isNamed, hasBinaryResults },
    ...query,
  };
  switch (form) {
    case 'select':
      return plain;
    case 'several':
      return { ...plain, text: written.map(({ text }) => text).join('; ') };
    case 'insert':
      return {
        ...plain,
        text: `INSERT INTO ${sinkTable} ${query.text}`,
        after: [`delete from ${sinkTable} returning *`],
        cleanup: [`delete from ${sinkTable}`],
      };
    case 'create table as':
      return {
        ...plain,
        text: `CREATE TABLE made${columnNames(queries[0])} AS ${query.text}`,
        after: ['select * from made'],
        cleanup: ['drop table if exists made'],
      };
    case 'copy':
      return { ...plain, text: `COPY (${query.text}) TO STDOUT` };
    case 'cursor':
      return {
        ...plain,
        text: `DECLARE c CURSOR FOR ${query.text}`,
        after: ['fetch 2 from c', 'fetch all from c', 'close c'],
        place: 'in transaction',
      };
    case 'cursor with hold':
      return {
        ...plain,
        text: `DECLARE c CURSOR WITH HOLD FOR ${query.text}`,
        after: ['fetch all from c', 'close c'],
        cleanup: ['close all'],
      };
    case 'explain':
      return {
        ...plain,
        text: `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ${query.text}`,
        areRowsCompared: false,
      };
    case 'prepare':
      return {
        ...plain,
        before: [`prepare p as ${query.text}`],
        text: 'execute p',
        after: ['deallocate p'],
        cleanup: ['deallocate p'],
      };
  }
}

/** Names for the columns, of which a table cannot have two that are equal. */
function columnNames(query: Query | undefined): string {
  const block = query === undefined ? undefined : firstBlock(query);
  if (block === undefined || block.targets.some((target) => isStar(target))) return '';
  return ` (${block.targets.map((_, i) => `m${i}`).join(', ')})`;
}

function firstBlock({ body }: Query): Block | undefined {
  if (body.kind === 'set') return firstBlock(body.branches[0]);
  return body.kind === 'block' ? body : undefined;
}

function isStar(target: Expression): boolean {
  return target.kind === 'parts' && target.parts[0] === '*';
}

/**
 * Ternary logic partitioning: three statements whose rows together are the statement's own. undefined if it is not of a
 * kind that can be parted.
 */
export function partsOf(statement: Statement): readonly Statement[] | undefined {
  const { form, queries, partedBy } = statement;
  const [query] = queries;
  if (form !== 'select' || partedBy === undefined || query?.body.kind !== 'block') return undefined;
  const { body } = query;
  return ([partedBy, { kind: 'not', arg: partedBy }, { kind: 'is null', arg: partedBy }] as const).map(
    (condition) => ({
      ...{
        kind: 'statement',
        form,
        queries: [{ ...query, body: { ...body, where: [...body.where, condition] } }],
      },
    }),
  );
}

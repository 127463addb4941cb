import { PgError, SqlState } from '../../errors/pg-error';
import type { Arguments } from './arguments';
import { columns, type ConsoleCommand } from './console-command';
import type { ConsoleSubjects, DatabaseFacts } from './console-subjects';

export const explainForm =
  'EXPLAIN (PCACHE [, DATABASE name] [, VERBOSE] [, FORMAT { TEXT | JSON }]) statement';

/** Tells what would become of a statement, in one of the databases, and why. Nothing is run. */
export function readExplain(args: Arguments, { databases }: ConsoleSubjects): ConsoleCommand {
  if (!args.takesSymbol('(')) throw args.wrong('expected "("');
  let [isOurs, isVerbose, isJson] = [false, false, false];
  let database: string | undefined;
  do {
    const option = args.choice('option', ['pcache', 'database', 'verbose', 'format', 'analyze']);
    if (option === 'analyze')
      throw new PgError(SqlState.FeatureNotSupported, 'the console runs no statements', {
        hint: 'EXPLAIN (PCACHE, ANALYZE) works in a session with the database.',
      });
    if (option === 'pcache') isOurs = true;
    else if (option === 'verbose') isVerbose = true;
    else if (option === 'format') isJson = args.choice('format', ['text', 'json']) === 'json';
    else database = args.name('database');
  } while (args.takesSymbol(','));
  if (!isOurs) throw args.wrong('the console explains nothing but what PCACHE does');
  if (!args.takesSymbol(')')) throw args.wrong('expected ")"');
  if (args.isAtEnd) throw args.wrong('statement is missing');
  const text = args.rest();
  return {
    columns: columns('QUERY_PLAN text'),
    run: async () => {
      const explained = await meant(databases(), database).explain(text, { isVerbose, isJson });
      const rows = isJson ? [[explained]] : explained.split('\n').map((line) => [line]);
      return { rows, tag: 'EXPLAIN' };
    },
  };
}

function meant(databases: readonly DatabaseFacts[], name: string | undefined): DatabaseFacts {
  const names = databases.map((database) => database.name).join(', ');
  const [first, second] = databases;
  if (first === undefined)
    throw new PgError(SqlState.ObjectNotInPrerequisiteState, 'there is no database to explain it for');
  if (name === undefined && second !== undefined)
    throw new PgError(SqlState.SyntaxError, 'which database is meant?', {
      hint: `Say EXPLAIN (PCACHE, DATABASE name); there are ${names}.`,
    });
  const found = name === undefined ? first : databases.find((database) => database.name === name);
  if (found === undefined)
    throw new PgError(SqlState.UndefinedObject, `there is no database "${name ?? ''}"`, {
      hint: `There are ${names}.`,
    });
  return found;
}

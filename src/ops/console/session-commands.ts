import { PgError, SqlState } from '../../errors/pg-error';
import { nearestName } from '../config/nearest-name';
import type { Arguments } from './arguments';
import { columns, type ConsoleCommand } from './console-command';

/** Settings that drivers make of their own accord. They mean nothing here, and do no harm. */
const settings: readonly string[] = [
  ...['application_name', 'bytea_output', 'client_encoding', 'client_min_messages', 'datestyle'],
  ...['default_transaction_isolation', 'default_transaction_read_only', 'extra_float_digits'],
  ...['idle_in_transaction_session_timeout', 'idle_session_timeout', 'intervalstyle', 'lock_timeout'],
  ...['search_path', 'session_timezone', 'standard_conforming_strings', 'statement_timeout', 'timezone'],
];
/** What the console writes, and reads. */
const encodings = ['utf8', 'utf-8', 'unicode', 'default'];

type Read = (args: Arguments) => ConsoleCommand;

/** What drivers say besides commands, by its first word: answered so that they go on, or know why not. */
export const sessionCommands: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['SET', readSet],
  ['RESET', () => saying('RESET')],
  ['DISCARD', (args) => saying(args.takes('ALL') ? 'DISCARD ALL' : 'DISCARD')],
  ['DEALLOCATE', (args) => saying(args.takes('ALL') ? 'DEALLOCATE ALL' : 'DEALLOCATE')],
  ['UNLISTEN', () => saying('UNLISTEN')],
  ['BEGIN', () => ({ ...saying('BEGIN'), transaction: 'begin' })],
  ['START', readStart],
  ['COMMIT', () => ({ ...saying('COMMIT'), transaction: 'end' })],
  ['END', () => ({ ...saying('COMMIT'), transaction: 'end' })],
  ['ROLLBACK', (args) => (args.takes('TO') ? noSavepoints() : rollback())],
  ['ABORT', rollback],
  ['SAVEPOINT', noSavepoints],
  ['RELEASE', noSavepoints],
  ['SELECT', readSelect],
]);

function saying(tag: string): ConsoleCommand {
  return { run: async () => ({ rows: [], tag }) };
}

function rollback(): ConsoleCommand {
  return { ...saying('ROLLBACK'), transaction: 'end' };
}

function noSavepoints(): ConsoleCommand {
  throw new PgError(SqlState.FeatureNotSupported, 'the console has no savepoints');
}

function readStart(args: Arguments): ConsoleCommand {
  if (!args.takes('TRANSACTION')) throw args.wrong('expected TRANSACTION');
  return { ...saying('START TRANSACTION'), transaction: 'begin' };
}

/** A setting nobody knows is refused: it may be a command with an error in it. */
function readSet(args: Arguments): ConsoleCommand {
  if (!args.takes('SESSION')) args.takes('LOCAL');
  if (args.takes('CHARACTERISTICS') || args.takes('TRANSACTION') || args.takes('TIME')) return saying('SET');
  const isNames = args.takes('NAMES');
  const name = isNames ? 'client_encoding' : args.dottedName('setting');
  if (!settings.includes(name)) {
    const nearest = nearestName(name, ['mode', ...settings]);
    throw new PgError(SqlState.UndefinedObject, `the console has no setting "${name}"`, {
      hint: nearest === undefined ? 'SET MODE is a command.' : `Did you mean SET ${nearest.toUpperCase()}?`,
    });
  }
  if (!args.takes('TO')) args.takesSymbol('=');
  const value = args.takesSymbol('-', '+') ? '' : args.name('value');
  if (name === 'client_encoding' && !encodings.includes(value.toLowerCase()))
    throw new PgError(SqlState.InvalidParameterValue, 'the console speaks UTF8 only');
  return saying('SET');
}

/** What postgres.js asks a server for when it connects; were it refused, its program would end. */
const arrayTypes = 'b . oid , b . typarray from pg_catalog . pg_type'.split(' ');

/** `SELECT 1`, by which drivers and pools ask whether a connection lives; and array types, of which the console has none. */
function readSelect(args: Arguments): ConsoleCommand {
  if (args.takesAll(arrayTypes)) {
    args.rest();
    return { columns: columns('oid int8, typarray int8'), run: async () => ({ rows: [], tag: 'SELECT 0' }) };
  }
  if (args.takes('1') && args.isAtEnd)
    return { columns: columns('?column? int8'), run: async () => ({ rows: [[1]], tag: 'SELECT 1' }) };
  throw new PgError(SqlState.FeatureNotSupported, 'the console runs no SQL', {
    hint: 'SHOW HELP lists its commands. Statements go to a database of the server.',
  });
}

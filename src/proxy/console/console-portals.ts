import { PgError, SqlState } from '../../errors/pg-error';
import type { ConsoleCommand, ConsoleResult } from '../../ops/console/console-command';
import type { Bind } from '../../wire/frontend/bind';
import type { Parse } from '../../wire/frontend/parse';

/** A prepared statement; an empty one has no command. */
export interface ConsoleStatement {
  readonly command: ConsoleCommand | undefined;
}

export interface ConsolePortal extends ConsoleStatement {
  /** Of the columns, as many as there are. */
  readonly formats: readonly number[];
  /** Once it was run: what came of it, and how many of its rows were sent. */
  result?: ConsoleResult;
  sent: number;
}

/** Prepared statements, and portals, that a console session may have at once. */
const maxKept = 100;

/** The prepared statements and portals of a console session. Everything throws PgError. */
export class ConsolePortals {
  readonly #statements = new Map<string, ConsoleStatement>();
  readonly #portals = new Map<string, ConsolePortal>();

  /** @param read the commands of a text */
  parse(
    { statementName, query, parameterTypeOids }: Parse,
    read: (text: string) => Iterable<ConsoleCommand>,
  ): void {
    if (parameterTypeOids.length > 0) throw noParameters();
    const [command, second] = [...read(query)];
    if (second !== undefined)
      throw new PgError(SqlState.SyntaxError, 'cannot insert multiple commands into a prepared statement');
    if (statementName !== '' && this.#statements.has(statementName))
      throw new PgError(
        SqlState.DuplicatePreparedStatement,
        `prepared statement "${statementName}" already exists`,
      );
    keep(this.#statements, statementName, { command });
  }

  bind({ portalName, statementName, parameters, resultFormats }: Bind): void {
    const { command } = this.statement(statementName);
    if (parameters.length > 0) throw noParameters();
    const count = command?.columns?.length ?? 0;
    const isFitting = [0, 1, count].includes(resultFormats.length);
    if (!isFitting || resultFormats.some((format) => format > 1))
      throw new PgError(SqlState.ProtocolViolation, 'bind message has result formats that fit no columns');
    const [all = 0] = resultFormats;
    const formats = resultFormats.length > 1 ? resultFormats : Array<number>(count).fill(all);
    keep(this.#portals, portalName, { command, formats, sent: 0 });
  }

  statement(name: string): ConsoleStatement {
    const found = this.#statements.get(name);
    if (found !== undefined) return found;
    throw new PgError(SqlState.InvalidStatementName, `prepared statement "${name}" does not exist`);
  }

  portal(name: string): ConsolePortal {
    const found = this.#portals.get(name);
    if (found !== undefined) return found;
    throw new PgError(SqlState.InvalidCursorName, `portal "${name}" does not exist`);
  }

  close(target: 'statement' | 'portal', name: string): void {
    (target === 'statement' ? this.#statements : this.#portals).delete(name);
  }

  /** At the end of a transaction no portal is left. */
  closePortals(): void {
    this.#portals.clear();
  }
}

function keep<Kept>(kept: Map<string, Kept>, name: string, thing: Kept): void {
  kept.delete(name);
  if (kept.size >= maxKept)
    throw new PgError(SqlState.ProgramLimitExceeded, `the console keeps ${maxKept} of them at most`);
  kept.set(name, thing);
}

function noParameters(): PgError {
  return new PgError(SqlState.FeatureNotSupported, 'commands of the console take no parameters', {
    hint: 'Write the value into the command.',
  });
}

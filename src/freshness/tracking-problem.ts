import { ControlQueryError } from '../errors/control-query-error';

/** SQLSTATEs of a schema, a table, a function or a column that is not there. */
const isNotSetUp = /^(3F000|42P01|42883|42703)$/;
const isNotGranted = '42501';

/** What to do about an error that came of asking the tracking; undefined if it is not the tracking's. */
export function trackingProblem(error: unknown, schema: string): string | undefined {
  if (!(error instanceof ControlQueryError)) return undefined;
  if (isNotSetUp.test(error.sqlState))
    return 'changes are not tracked in this database: `pcache track install` sets it up';
  if (error.sqlState === isNotGranted)
    return `the control role may not read the schema ${JSON.stringify(schema)}: \`pcache track grants\` prints what it needs`;
  return undefined;
}

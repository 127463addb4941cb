/** What a reason says of the statement: nothing was cached for it, or it was left alone. */
export interface ForwardReason {
  readonly countsAs: 'miss' | 'bypass';
  /** One line, for the README. */
  readonly meaning: string;
}

/** The statement or block could have been restricted, had its fragments been known. */
const misses: Readonly<Record<string, string>> = {
  miss: 'nothing that is known holds for it yet',
  'nothing cached': 'nothing at all is known yet, so nobody looked into it',
};

/** What it is, decided by query/analysis. */
const kinds: Readonly<Record<string, string>> = {
  'not a single statement': 'a prepared statement of several; the server refuses it',
  'no partition key': 'none of its tables has a partition key',
  'outer join': 'its tables with a key are all on the side of an outer join that may be NULL',
  'renamed by an alias':
    'its tables with a key are hidden behind the alias of a join, or their columns renamed',
  'column privileges': 'some roles may not read all columns of its tables',
  'key column of another type':
    'its key column cannot hold a key of the configured datatype, by type or collation',
  'no place in the text': 'its text has no place for a condition, as that of `TABLE place`',
  'data-modifying CTE': 'a CTE writes',
  'database-qualified name': 'a table is named with its database',
  'foreign table': 'it reads a foreign table',
  'locking clause': '`FOR UPDATE`, `FOR SHARE` and the like',
  'recursive CTE': '`WITH RECURSIVE`',
  'row-level security': 'a table shows different rows to different roles',
  'simple cursor': 'a cursor whose plan decides if it has `FETCH BACKWARD` and `WHERE CURRENT OF`',
  tablesample: '`TABLESAMPLE`',
  'temporary child': 'a temporary table of the session is a child of one that is not',
  'temporary table': 'a name means a relation of the session’s temporary schema',
  'unknown function': 'a function is not in the catalog as last read',
  'unknown relation': 'a table is not in the catalog as last read',
  'unknown type': 'a type is not in the catalog as last read',
  'unsupported FROM item': 'something in FROM is not understood, `XMLTABLE` for instance',
  'unsupported expression XmlExpr': 'an XML function',
  'unsupported join': 'a join is not understood',
  view: 'it reads a view that is not in the configuration, or more than a selection of rows of tables',
  'volatile cast': 'a cast calls a volatile function',
  'volatile function': 'a function is volatile',
  'volatile operator': 'an operator calls a volatile function',
  'writes a tracked table': 'an INSERT into a table with a partition key',
};

/** It could be restricted, but not now, or it would not pay: engine. */
const circumstances: Readonly<Record<string, string>> = {
  'cache unavailable': 'key sets could not be read in time',
  'catalog not read': 'the database’s catalog has not been read, or has just changed',
  'client encoding': 'text that is not ASCII, in a client encoding other than UTF8',
  'covers most keys': 'the keys left are too many to be worth it (`max_key_share`)',
  'lists prepared statements': 'its text names `pg_prepared_statements`, where hidden ones would be seen',
  'differed when verified':
    'its restricted form had other rows than the original (`mode: verify`); this should be reported',
  'failed when restricted': 'it failed where the original did not, and sits out',
  'measured as it came': 'of many executions one is run so, to compare the restricted ones with',
  'may raise an error': 'a condition may raise, where the original cannot be run unseen',
  'no time to look into it yet': 'other statements had this turn of the event loop; it is looked into later',
  'not a candidate': 'it names no table with a key, or is of a kind that is left alone',
  'observe mode': '`mode: observe`',
  'parameter types not known yet': 'the server is being asked for the types of its parameters',
  'shape check': 'the server did not take the restricted form',
  'shape not checked yet': 'the server is being asked about the restricted form',
  'slower when restricted': 'it was measured to be slower, and sits out',
  'splice check': 'the restricted text did not parse to the original plus the restriction',
  'standard_conforming_strings is off': 'the session reads string constants otherwise',
  'takes too long to look into': 'it took longer than the proxy gives a statement, and is remembered',
  'switched off': '`mode: off`, `SET pcache.mode` or a comment said so',
};

/** The session is in no state for it: proxy. */
const sessionStates: Readonly<Record<string, string>> = {
  'cannot retry': 'a condition may raise, and the reply cannot be held back',
  'context uncertain': 'the session’s settings may have changed, and could not be asked for',
  'context unknown': 'the question for the session’s settings was not answered',
  'engine error': 'a bug; the log has it',
  'other parameter types':
    'a column that a parameter is compared with has changed its type since it was prepared, or unnoticed',
  'statement redefined': 'SQL has prepared another statement under the name',
  'temporary table refused': 'the server did not make the table that its method asks for',
  'transaction failed': 'the transaction block has failed; the server refuses everything',
};

/**
 * Every reason a statement, or a block of one, is left as it is. The texts are those of the wings above and below, which metrics
 * cannot import all; a test reads them out of the sources and compares.
 */
export const forwardReasons: ReadonlyMap<string, ForwardReason> = new Map([
  ...reasons(misses, 'miss'),
  ...[kinds, circumstances, sessionStates].flatMap((group) => reasons(group, 'bypass')),
]);

function reasons(
  group: Readonly<Record<string, string>>,
  countsAs: ForwardReason['countsAs'],
): readonly (readonly [string, ForwardReason])[] {
  return Object.entries(group).map(([reason, meaning]) => [reason, { countsAs, meaning }]);
}

/** Whether forwarding for a reason means that nothing was cached for the statement, or that it was left alone. */
export type ForwardReasons = ReadonlyMap<string, 'miss' | 'bypass'>;

/** The statement could have been restricted, had its fragments been known. */
const misses = ['miss', 'nothing cached'];

const bypasses = [
  // The statement is of a kind that is not restricted: query/analysis.
  'not a single statement',
  'no partition key',
  'data-modifying CTE',
  'database-qualified name',
  'foreign table',
  'locking clause',
  'recursive CTE',
  'row-level security',
  'tablesample',
  'temporary table',
  'unknown function',
  'unknown relation',
  'unknown type',
  'unsupported FROM item',
  'unsupported expression XmlExpr',
  'unsupported join',
  'view',
  'volatile cast',
  'volatile function',
  'volatile operator',
  'writes a tracked table',
  // It could be restricted, but not now, or it would not pay: engine.
  'cache unavailable',
  'client encoding',
  'catalog not read',
  'covers most keys',
  'failed when restricted',
  'may raise an error',
  'no time to look into it yet',
  'not a candidate',
  'observe mode',
  'parameter types not known yet',
  'shape check',
  'shape not checked yet',
  'slower when restricted',
  'splice check',
  'standard_conforming_strings is off',
  'switched off',
  'takes too long to look into',
  // The session is in no state for it: proxy.
  'cannot retry',
  'context uncertain',
  'context unknown',
  'engine error',
  'statement redefined',
  'transaction failed',
];

/**
 * Every reason a statement is forwarded for. The texts are those of the wings above and below, which metrics cannot
 * import all; a test reads them out of the sources and compares.
 */
export const forwardReasons: ForwardReasons = new Map([
  ...misses.map((reason) => [reason, 'miss'] as const),
  ...bypasses.map((reason) => [reason, 'bypass'] as const),
]);

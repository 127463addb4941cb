import {
  Catalog,
  type CatalogCast,
  type CatalogCollation,
  type CatalogColumn,
  type CatalogFunction,
  type CatalogOperator,
  type CatalogReading,
  type CatalogRelation,
  type CatalogType,
  type Volatility,
} from '../../query/catalog/catalog';
import type { PartitionKey } from '../../query/partition-key';
import type { ControlClient, ControlRow } from '../control-client';
import type { ControlPool } from '../control-pool';
import { sqlFile } from '../sql-files';

const files = {
  relations: sqlFile('catalog-relations'),
  columns: sqlFile('catalog-columns'),
  types: sqlFile('catalog-types'),
  functions: sqlFile('catalog-functions'),
  operators: sqlFile('catalog-operators'),
  casts: sqlFile('catalog-casts'),
  collations: sqlFile('catalog-collations'),
  virtualColumns: sqlFile('catalog-virtual-columns'),
  keyCounts: sqlFile('catalog-key-counts'),
  views: sqlFile('catalog-views'),
};

/** Asks, in the transaction that reads the catalog, what later shows whether it has changed; undefined: nothing would. */
export type StampReading = (client: ControlClient) => Promise<CatalogReading | undefined>;

/** Reads what the rewriter needs to know of a database, in one snapshot. Rejects as the pool's queries do. */
export async function readCatalog(
  pool: ControlPool,
  partitionKeys: readonly PartitionKey[],
  stampReading: StampReading = () => Promise.resolve(undefined),
): Promise<Catalog> {
  return pool.withClient(async (client) => {
    await client.execute('begin', 'begin isolation level repeatable read read only');
    try {
      return await readInSnapshot(client, partitionKeys, stampReading);
    } finally {
      await client.execute('rollback', 'rollback');
    }
  });
}

async function readInSnapshot(
  client: ControlClient,
  partitionKeys: readonly PartitionKey[],
  stampReading: StampReading,
): Promise<Catalog> {
  const reading = await stampReading(client);
  const tracked = partitionKeys.flatMap(({ tables }) => [...tables.keys()].map(splitTable));
  const trackedNames = tracked.map(([, name]) => name);
  const columns = new Map<number, Map<string, CatalogColumn>>();
  for (const row of await client.query(files.columns, [trackedNames])) {
    const relation = oid(row['attrelid']);
    const column = columnOf(row);
    columns.set(
      relation,
      (columns.get(relation) ?? new Map<string, CatalogColumn>()).set(column.name, column),
    );
  }
  const schemas = tracked.map(([schema]) => schema);
  const definitions = new Map<number, string>();
  for (const row of await client.query(files.views, [schemas, trackedNames]))
    definitions.set(oid(row['oid']), String(row['definition']));
  return new Catalog({
    relations: (await client.query(files.relations)).map((row) => relationOf(row, columns, definitions)),
    types: (await client.query(files.types)).map(typeOf),
    functions: (await client.query(files.functions)).map(functionOf),
    operators: (await client.query(files.operators)).map(operatorOf),
    casts: (await client.query(files.casts)).map(castOf),
    collations: (await client.query(files.collations)).map(collationOf),
    virtualColumns: new Set((await client.query(files.virtualColumns)).map((row) => String(row['attname']))),
    keyCounts: await keyCounts(client, partitionKeys),
    reading,
  });
}

const oid = (value: unknown): number => Number(value);
const volatility = (value: unknown): Volatility => (value === 'i' || value === 's' ? value : 'v');

function relationOf(
  row: ControlRow,
  columns: ReadonlyMap<number, ReadonlyMap<string, CatalogColumn>>,
  definitions: ReadonlyMap<number, string>,
): CatalogRelation {
  const definition = definitions.get(oid(row['oid']));
  return {
    ...(definition === undefined ? {} : { definition }),
    oid: oid(row['oid']),
    schema: String(row['nspname']),
    name: String(row['relname']),
    kind: String(row['relkind']),
    hasRowSecurity: row['relrowsecurity'] === true,
    hasColumnPrivileges: row['has_column_privileges'] === true,
    rowCount: Math.max(0, Number(row['reltuples'])),
    columns: columns.get(oid(row['oid'])) ?? new Map<string, CatalogColumn>(),
  };
}

function columnOf(row: ControlRow): CatalogColumn {
  return {
    name: String(row['attname']),
    typeOid: oid(row['atttypid']),
    isNotNull: row['is_not_null'] === true,
    hasDeterministicCollation: row['is_deterministic'] === true,
    collationOid: oid(row['attcollation']),
  };
}

function typeOf(row: ControlRow): CatalogType {
  return {
    oid: oid(row['oid']),
    schema: String(row['nspname']),
    name: String(row['typname']),
    kind: String(row['typtype']),
    elementOid: oid(row['element_oid']),
    baseOid: oid(row['typbasetype']),
    partOid: oid(row['part_oid']),
    category: String(row['typcategory']),
    isPreferred: row['typispreferred'] === true,
    inputVolatility: volatility(row['input_volatility']),
    hasQuietChecks: row['has_quiet_checks'] === true,
    outputVolatility: volatility(row['output_volatility']),
  };
}

function functionOf(row: ControlRow): CatalogFunction {
  return {
    oid: oid(row['oid']),
    schema: String(row['nspname']),
    name: String(row['proname']),
    kind: String(row['prokind']),
    argumentOids: String(row['argument_oids']).split(' ').filter(Boolean).map(Number),
    defaultCount: Number(row['pronargdefaults']),
    variadicOid: oid(row['provariadic']),
    returnsSet: row['proretset'] === true,
    resultOid: oid(row['prorettype']),
    volatility: volatility(row['provolatile']),
    isScript: row['is_script'] === true,
  };
}

function operatorOf(row: ControlRow): CatalogOperator {
  return {
    oid: oid(row['oid']),
    schema: String(row['nspname']),
    name: String(row['oprname']),
    leftOid: oid(row['oprleft']),
    rightOid: oid(row['oprright']),
    resultOid: oid(row['oprresult']),
    volatility: volatility(row['provolatile']),
    isScript: row['is_script'] === true,
  };
}

function castOf(row: ControlRow): CatalogCast {
  return {
    sourceOid: oid(row['castsource']),
    targetOid: oid(row['casttarget']),
    context: String(row['castcontext']),
    volatility: volatility(row['volatility']),
    isBinary: row['is_binary'] === true,
    isScript: row['is_script'] === true,
  };
}

function collationOf(row: ControlRow): CatalogCollation {
  return {
    oid: oid(row['oid']),
    schema: String(row['nspname']),
    name: String(row['collname']),
    isDeterministic: row['collisdeterministic'] === true,
  };
}

/** The largest estimate among a key's tables: the one that holds the most different keys knows most of them. */
async function keyCounts(
  client: ControlClient,
  partitionKeys: readonly PartitionKey[],
): Promise<ReadonlyMap<string, number>> {
  const columns = partitionKeys.flatMap(({ name, tables }) =>
    [...tables].map(([table, column]) => ({
      key: name,
      schema: splitTable(table)[0],
      table: splitTable(table)[1],
      column,
    })),
  );
  const rows = await client.query(files.keyCounts, [
    columns.map(({ schema }) => schema),
    columns.map(({ table }) => table),
    columns.map(({ column }) => column),
  ]);
  const counts = new Map<string, number>();
  for (const row of rows) {
    const column = columns[Number(row['position']) - 1];
    const count = Math.round(Number(row['key_count'] ?? 0));
    if (column !== undefined && count > (counts.get(column.key) ?? 0)) counts.set(column.key, count);
  }
  return counts;
}

/** `schema.table` of the configuration, which has one dot. */
function splitTable(table: string): readonly [schema: string, name: string] {
  const dot = table.indexOf('.');
  return [table.slice(0, dot), table.slice(dot + 1)];
}

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { CandidateStatement } from '../../../src/engine/candidate-statement';
import type { TrackedKey } from '../../../src/engine/database-engine';
import { readStatement } from '../../../src/engine/reading';
import { formsOf, rewrite } from '../../../src/engine/rewriter';
import { type Method } from '../../../src/query/rewrite/method';
import type { SessionContext } from '../../../src/engine/session-context';
import { nothingToRestrict, statementsOf } from '../../../src/engine/statements-of-text';
import { readCatalog } from '../../../src/postgres/catalog/read-catalog';
import { openPool } from '../../../src/postgres/control-pool';
import { loadParser, UnparsedTextError, parseStatements } from '../../../src/query/ast/parser';
import { scanTokens } from '../../../src/query/ast/scan';
import type { Catalog } from '../../../src/query/catalog/catalog';
import { createDatabase } from '../../oracle/create-database';
import { Random } from '../../oracle/random';
import { randomStatement } from '../../oracle/random-statement';
import { randomSending, runnable } from '../../oracle/statement-form';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { sqlCorpus, statementsOfFile } from '../../support/sql-corpus';

/** The system catalogs as if they were data of ours: their columns of type int2 are the keys. */
const catalogKey: TrackedKey = {
  name: 'size',
  datatype: 'integer',
  maxKeyShare: 1,
  tables: new Map([
    ...Object.entries({ pg_attribute: 'attnum', pg_class: 'relnatts', pg_proc: 'pronargs', pg_type: 'typlen' }),
    ...Object.entries({ pg_index: 'indnatts', pg_attrdef: 'adnum', pg_trigger: 'tgtype', pg_database: 'datconnlimit' }),
    ...Object.entries({ pg_depend: 'objsubid', pg_constraint: 'coninhcount', pg_authid: 'rolconnlimit' }),
    ...Object.entries({ pg_sequence: 'seqcache', pg_description: 'objsubid', pg_amop: 'amopstrategy' }),
    ...Object.entries({ pg_statistic: 'staattnum', pg_partitioned_table: 'partnatts', pg_shdepend: 'objsubid' }),
  ].map(([table, column]) => [`pg_catalog.${table}`, column])), // prettier-ignore
};

const context: SessionContext = {
  id: 'corpus',
  searchPath: ['pg_catalog', 'information_schema', 'public'],
  temporaryRelations: new Set(),
  userName: 'postgres',
  clientEncoding: 'UTF8',
  settings: { standard_conforming_strings: 'on' },
  mode: undefined,
};

/** What became of the statements that were put through. */
class Tally {
  statements = 0;
  unparsed = 0;
  tooLong = 0;
  blocks = 0;
  /** Texts in which a restriction did not fit, or was not exactly what it should be. */
  readonly misfits: string[] = [];

  toString(): string {
    return `${this.statements} statements, ${this.unparsed} not parsed, ${this.tooLong} too long; ${this.blocks} blocks restricted`;
  }
}

/** One that puts an array into the text, one that puts a SELECT. */
const corpusMethods: readonly [Method, ...Method[]] = ['inline', 'in_subquery'];

/** Parses, analyses and restricts a text, every block of it to some keys; whatever is thrown fails the test. */
function putThrough(text: string, catalog: Catalog, keys: readonly TrackedKey[], tally: Tally): void {
  tally.statements++;
  const content = statementsOf(text, catalog);
  if (content === undefined) {
    if (isTooLong(text)) tally.tooLong++;
    else tally.unparsed++;
    return;
  }
  if (content.restrictable.length === 0) return;
  const statement = new CandidateStatement(text, false, undefined, () => nothingToRestrict, content);
  const { analysis } = readStatement(statement, context, catalog, keys, undefined, []);
  if ('refused' in analysis) return;
  const classes = analysis.blocks.flatMap((block) =>
    block.classes.map((keyClass) => ({
      block,
      keyClass,
      keys: setOf(keyClass.partitionKey.datatype),
      methods: corpusMethods,
    })),
  );
  for (const form of formsOf(classes)) {
    tally.blocks += analysis.blocks.length;
    if (rewrite(statement, classes, form, catalog) === undefined) tally.misfits.push(text);
  }
}

function setOf(datatype: TrackedKey['datatype']): ReturnType<typeof createKeySet> {
  switch (datatype) {
    case 'text':
      return createKeySet('text', ['a', "it's", '{,"\\}']);
    case 'float':
      return createKeySet('float', [-0, 1.5, Number.NaN]);
    default:
      return createKeySet(datatype, [1n, 2n, 30_000n]);
  }
}

function isTooLong(text: string): boolean {
  try {
    parseStatements(text);
    return false;
  } catch (error) {
    return error instanceof UnparsedTextError;
  }
}

/** The statement, and the query of a view, which nobody sends by itself. */
function withViewQuery(text: string): readonly string[] {
  const words = scanTokens(text).filter(({ tokenName }) => tokenName === 'WORD');
  const isView = /^\s*create\s+(?:or\s+replace\s+)?(?:materialized\s+)?view\b/i.test(text);
  const as = words.find((word) => /^as$/i.test(word.text));
  return isView && as !== undefined ? [text, Buffer.from(text).subarray(as.end).toString()] : [text];
}

describe('every statement at hand is parsed, analysed, and restricted to exactly what is meant:', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    await loadParser();
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  async function catalogOf(database: string, keys: readonly TrackedKey[]): Promise<Catalog> {
    await using pool = openPool(server.connectionOptions(database));
    return await readCatalog(pool, keys);
  }

  test('PostgreSQL’s own views, extensions and catalogs', async () => {
    const catalog = await catalogOf('postgres', [catalogKey]);
    const tally = new Tally();
    for (const file of sqlCorpus())
      for (const statement of statementsOfFile(file))
        for (const text of withViewQuery(statement)) putThrough(text, catalog, [catalogKey], tally);
    process.stdout.write(`corpus: ${tally.toString()}\n`);
    expect(tally.misfits).toEqual([]);
    expect(tally.statements).toBeGreaterThan(3_000);
    expect(tally.blocks).toBeGreaterThan(20);
    // What is left of placeholders that CREATE EXTENSION fills in, and of procedural languages.
    expect(tally.unparsed / tally.statements).toBeLessThan(0.01);
  });

  test('the wire scripts', async () => {
    const key: TrackedKey = { ...catalogKey, tables: new Map([['pg_catalog.pg_class', 'relnatts']]) };
    const catalog = await catalogOf('postgres', [key]);
    const tally = new Tally();
    const directory = join(__dirname, '..', '..', 'e2e', 'scripts');
    for (const name of readdirSync(directory)) {
      const script = readFileSync(join(directory, name), 'utf8');
      for (const [, quoted = '""'] of script.matchAll(
        /^(?:Query|Parse\b.*?"query":)\s*("(?:[^"\\]|\\.)*")/gm,
      ))
        putThrough(String(JSON.parse(quoted)), catalog, [key], tally);
    }
    expect(tally.misfits).toEqual([]);
    expect(tally.statements).toBeGreaterThan(100);
  });

  test('what the oracle asks for', async () => {
    const tally = new Tally();
    for (let schemaNumber = 1; schemaNumber <= 2; schemaNumber++) {
      const { database, schema } = await createDatabase(server, 7, schemaNumber);
      const catalog = await catalogOf(database, schema.tracked);
      for (let number = 1; number <= 400; number++) {
        const random = new Random(7, schemaNumber, number);
        const statement = randomStatement(schema, random);
        const { text } = runnable(statement, randomSending(statement.form, random));
        putThrough(text, catalog, schema.tracked, tally);
      }
      await server.dropDatabase(database);
    }
    process.stdout.write(`corpus: ${tally.toString()}\n`);
    expect(tally.misfits).toEqual([]);
    expect(tally.unparsed).toBe(0);
    expect(tally.blocks).toBeGreaterThan(1_000);
  });
});

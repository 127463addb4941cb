/**
 * What the documents of PartitionCache, the Python library, show of its command line: which lines show it, what it is under its own name, and
 * the test, by file and title, that shows that it does what it says. Of the library's functions: library-lines.ts.
 */
export interface CommandLine {
  readonly document: 'README' | 'Partition-Join Table Handling';
  /** Such as `421-426, 430`. */
  readonly lines: string;
  readonly command: string;
  readonly file: string;
  readonly title: string;
}

const statements = 'test/integration/cli/statements.test.ts';
const manage = 'test/integration/cli/manage-cache.test.ts';
const processorTest = 'test/integration/pg-cron/processor.test.ts';

const city = '--partition-key city_id --partition-datatype integer';
const restaurants = '--query "SELECT DISTINCT city_id FROM restaurants WHERE rating > 4.0"';
/** `python -m partitioncache.cli.setup_postgresql_queue_processor` is this program. */
const processor = 'pcache-postgresql-queue-processor';

function ofProcessor(lines: string, command: string, title: string): CommandLine {
  return { document: 'README', lines, command: `${processor} ${command}`, file: processorTest, title };
}

export const commandLines: readonly CommandLine[] = [
  {
    document: 'README',
    lines: '421-426',
    command: `pcache-add --direct ${restaurants} ${city} --cache-backend "postgresql_array"`,
    file: statements,
    title: 'stores what the statement returns, and get prints it in each format',
  },
  {
    document: 'README',
    lines: '429-433',
    command: `pcache-add --queue-original ${restaurants} ${city}`,
    file: statements,
    title: 'pcache add --queue and --queue-original fill the two tiers',
  },
  {
    document: 'README',
    lines: '436-441',
    command:
      'pcache-add --direct --query-file "complex_queries.sql" --partition-key "region_id" --partition-datatype "integer" --cache-backend "postgresql_array"',
    file: statements,
    title: 'takes a file of many statements; what several share is run once, what cannot be used is told of',
  },
  {
    document: 'README',
    lines: '448-450',
    command: 'pcache-observer --cache-backend "postgresql_array" --max-processes 8',
    file: 'test/integration/cli/observer-flags.test.ts',
    title:
      '--max-processes N: so many run at the same time; --max-pending-jobs N: while more wait, statements do',
  },
  ofProcessor('220, 566', 'setup', 'names what is missing: first the tables of the queue, then the set-up'),
  ofProcessor('223, 569', 'enable', 'tells what is there, and is removed'),
  ofProcessor('226', 'config --max-jobs 10 --frequency 2', 'tells what is there, and is removed'),
  ofProcessor('229, 453', 'status', 'names what is missing: first the tables of the queue, then the set-up'),
  ofProcessor('230', 'logs --limit 20', 'tells what is there, and is removed'),
  ofProcessor('454', 'logs --limit 50', 'tells what is there, and is removed'),
  ofProcessor('455', 'config --max-jobs 15 --frequency 1', 'tells what is there, and is removed'),
  {
    document: 'README',
    lines: '462-467',
    command: `pcache-get --query "SELECT * FROM restaurants WHERE rating > 4.0" ${city} --cache-backend "postgresql_array" --output-format json`,
    file: statements,
    title: 'stores what the statement returns, and get prints it in each format',
  },
  {
    document: 'README',
    lines: '470',
    command: 'pcache-manage cache count',
    file: manage,
    title: 'counts, lists, exports, and imports into a cache of another kind',
  },
  {
    document: 'README',
    lines: '471',
    command: 'pcache-manage maintenance prune --days 30',
    file: manage,
    title: 'prunes what has not been used, and only that',
  },
  {
    document: 'README',
    lines: '472',
    command: 'pcache-manage maintenance partition --delete "old_cities"',
    file: manage,
    title: 'removes a partition key, but not before it is told to',
  },
  {
    document: 'Partition-Join Table Handling',
    lines: '128-136',
    command:
      'pcache-add --direct --query "SELECT 1" --partition-key region_id --min-component-size 2 --max-component-size 4 --follow-graph --no-auto-detect-partition-join --partition-join-table rm --no-warn-partition-key',
    file: statements,
    title:
      'every option of what is learned: component sizes, the graph, the partition-join table, the warning',
  },
];

/** The environment variables, each of which test/unit/ops/config/with-variables.test.ts has; by document and line. */
export const variableLines = {
  README: {
    ...{ 109: 'DB_HOST', 110: 'DB_PORT', 111: 'DB_USER', 112: 'DB_PASSWORD', 113: 'DB_NAME' },
    ...{ 116: 'CACHE_BACKEND', 117: 'PG_ARRAY_CACHE_TABLE_PREFIX', 120: 'QUERY_QUEUE_PROVIDER' },
    ...{ 121: 'PG_QUEUE_HOST', 122: 'PG_QUEUE_PORT', 123: 'PG_QUEUE_USER', 124: 'PG_QUEUE_PASSWORD' },
    ...{ 125: 'PG_QUEUE_DB', 126: 'PG_QUEUE_TABLE_PREFIX' },
  },
  'Partition-Join Table Handling': {
    141: 'PARTITION_CACHE_MIN_COMPONENT_SIZE',
    142: 'PARTITION_CACHE_MAX_COMPONENT_SIZE',
    143: 'PARTITION_CACHE_FOLLOW_GRAPH',
    144: 'PARTITION_CACHE_NO_AUTO_DETECT_PARTITION_JOIN',
    145: 'PARTITION_CACHE_PARTITION_JOIN_TABLE',
    146: 'PARTITION_CACHE_NO_WARN_PARTITION_KEY',
  },
} as const;

/** Old names that stand in the lines of the new ones. */
export const legacyVariables = [
  'PARTITION_CACHE_NO_AUTO_DETECT_STAR_JOIN',
  'PARTITION_CACHE_STAR_JOIN_TABLE',
] as const;

/** What has another form here, and why. */
export const otherwise: readonly { readonly lines: string; readonly here: string; readonly file: string }[] =
  [
    {
      lines: '63',
      here: 'installed by npm, from a tarball',
      file: 'test/integration/library/package.test.ts',
    },
    {
      lines: '559, 562, 572-573',
      here: 'the example brings its data along: README.md, "A worked example"',
      file: 'test/e2e/worked-example.test.ts',
    },
    {
      lines: '731, 734, 737-738, 741-747',
      here: 'images of PostgreSQL with extensions: pg_cron and PostGIS are Debian packages',
      file: 'test/support/debian-packages.mjs',
    },
  ];

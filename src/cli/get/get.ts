import { writeFileSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import { Directory } from '../../cache/directory';
import type { BlockExplanation, ClassExplanation } from '../../engine/explain/explanation';
import { StartError } from '../../errors/start-error';
import type { PartitionKeyConfig } from '../../ops/config/pcache-config';
import { warningOf } from '../add/add';
import { commandLog } from '../command-log';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { openEngine } from '../explain/open-engine';
import { configWithFragmentFlags, type FragmentFlags, withFragmentFlags } from '../fragment-flags';
import { type KeyFlags, meantKey, readKeyedConfig, withKeyFlags } from '../key-flags';
import { loadUpstreamTls } from '../load-tls';
import { fileTrouble } from '../manage/file-trouble';
import { openFragmentSource } from '../open-fragment-source';
import { Owned } from '../owned';
import { parseSetting, readStatements } from '../read-statements';
import { UsageError } from '../usage-error';
import { formatKeys, type OutputFormat, outputFormats } from './key-text';
import { knownKeys } from './known-keys';

interface GetFlags extends ConfigFlags, KeyFlags, FragmentFlags {
  readonly query: string | undefined;
  readonly 'query-file': string | undefined;
  readonly 'output-format': OutputFormat | undefined;
  readonly json: boolean | undefined;
  readonly 'output-file': string | undefined;
  readonly 'set-session': readonly string[] | undefined;
}

export const getCommand: CommandModule<object, GetFlags> = {
  command: ['get', 'read'],
  describe:
    'Print the partition keys that can answer a statement, as far as they are known; exit code 1 if nothing is. The proxy must not run if the cache is in its directory',
  builder: (argv) => {
    const text = { type: 'string', requiresArg: true } as const;
    return withFragmentFlags(withKeyFlags(withConfigFlags(argv)))
      .option('query', { ...text, describe: 'The statement' })
      .option('query-file', { ...text, describe: 'A file with it instead, - for standard input' })
      .option('output-format', {
        ...text,
        choices: outputFormats,
        conflicts: 'json',
        describe: 'list: separated by commas. json: an array. lines: one on each [default: list]',
      })
      .option('json', { type: 'boolean', describe: 'For programs: the same as --output-format json' })
      .option('output-file', { ...text, describe: 'File to write [default: standard output]' })
      .option('set-session', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'NAME=VALUE: a setting the statement is to be understood with, such as search_path',
      })
      .example(
        `$0 get --query "SELECT id FROM place WHERE name = 'Rome'" --partition-key region --output-format json -c pcache.yaml`,
        '',
      );
  },
  handler: async (flags) => {
    const settings = Object.fromEntries((flags['set-session'] ?? []).map(parseSetting));
    const [statement = '', another] = await readStatements(flags.query, flags['query-file']);
    if (another !== undefined) throw new UsageError('there are several statements in it; get takes one');
    const config = configWithFragmentFlags(await readKeyedConfig(flags), flags);
    const { database, key } = meantKey(config, flags);
    const log = commandLog(config);
    const tls = loadUpstreamTls(config);
    await using owned = new Owned();
    const { engine, backend, keeper, request } = await openEngine(database, config, tls, log, owned);
    const { blocks, reason } = await engine.explain(await request(statement, settings));
    const found = partOf(blocks, key, reason);
    const hashes = found.fragments.filter(({ status }) => status === 'hit').map(({ hash }) => hash);
    const directory = new Directory();
    const parts = {
      serverTls: tls,
      backend,
      catalog: keeper,
      isForced: false,
      directory: () => directory,
      log,
      owned,
    };
    const { own } = openFragmentSource(database, config, parts);
    const keys = hashes.length === 0 ? undefined : await knownKeys(hashes, key, backend, own);
    if (keys === undefined)
      throw new StartError('nothing is known of it yet: pcache add --direct has it computed');
    if (keys.hasNullKey) process.stderr.write('rows whose key is NULL can answer it as well\n');
    const text = formatKeys(
      keys.values(),
      key.datatype,
      flags.json === true ? 'json' : (flags['output-format'] ?? 'list'),
    );
    const file = flags['output-file'];
    if (file === undefined) process.stdout.write(text);
    else write(file, text);
  },
};

/** The tables of a statement that its key sets are about. Of several parts, those that something is known of come first. */
function partOf(
  blocks: readonly BlockExplanation[],
  key: PartitionKeyConfig,
  reason: string | undefined,
): ClassExplanation {
  const parts = blocks.flatMap(({ classes }) =>
    classes.filter(({ partitionKey }) => partitionKey === key.name),
  );
  const isKnown = ({ fragments }: ClassExplanation): boolean =>
    fragments.some(({ status }) => status === 'hit');
  const part = parts.find(isKnown) ?? parts[0];
  if (part === undefined) throw new StartError(warningOf(reason ?? 'no partition key', key));
  if (parts.length > 1)
    process.stderr.write(
      `these are the keys of ${part.columns.join(' = ')}, one of ${parts.length} parts of the statement\n`,
    );
  return part;
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    fileTrouble('written')(error);
  }
}

import type { CommandModule } from 'yargs';
import { renderJson } from '../../engine/explain/render-json';
import { renderText } from '../../engine/explain/render-text';
import { commandLog } from '../command-log';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { configWithFragmentFlags, type FragmentFlags, withFragmentFlags } from '../fragment-flags';
import { type KeyFlags, meantDatabase, readKeyedConfig, withKeyFlags } from '../key-flags';
import { loadUpstreamTls } from '../load-tls';
import { Owned } from '../owned';
import { parseSetting, readStatements } from '../read-statements';
import { openEngine } from './open-engine';
import { type JsonFlag, withJsonFlag } from '../output';

interface ExplainFlags extends ConfigFlags, KeyFlags, FragmentFlags, JsonFlag {
  readonly query: string | undefined;
  readonly 'query-file': string | undefined;
  readonly 'set-session': readonly string[] | undefined;
  readonly verbose: boolean;
}

export const explainCommand: CommandModule<object, ExplainFlags> = {
  command: 'explain',
  describe:
    'Say what the proxy would do with statements, and why: as EXPLAIN (PCACHE), without a proxy. It must not run if the cache is in its directory',
  builder: (argv) =>
    withJsonFlag(withFragmentFlags(withKeyFlags(withConfigFlags(argv))), 'for each statement')
      .option('query', { type: 'string', requiresArg: true, describe: 'The statement, or several' })
      .option('query-file', {
        type: 'string',
        requiresArg: true,
        describe: 'A file with them instead, - for standard input',
      })
      .option('set-session', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'NAME=VALUE: a setting the statements are to be understood with, such as search_path',
      })
      .option('verbose', {
        type: 'boolean',
        default: false,
        describe: 'Fragments in full, conditions that are not used, and all keys',
      })
      .example(`$0 explain --query "SELECT id FROM place WHERE name = 'Rome'" -c pcache.yaml`, ''),
  handler: async (flags) => {
    const settings = Object.fromEntries((flags['set-session'] ?? []).map(parseSetting));
    const statements = await readStatements(flags.query, flags['query-file']);
    const config = configWithFragmentFlags(await readKeyedConfig(flags), flags);
    const database = meantDatabase(config, flags);
    const log = commandLog(config);
    await using owned = new Owned();
    const { engine, request } = await openEngine(database, config, loadUpstreamTls(config), log, owned);
    for (const [i, statement] of statements.entries()) {
      const explanation = await engine.explain(await request(statement, settings));
      if (flags.json) process.stdout.write(`${JSON.stringify(renderJson(explanation))}\n`);
      else {
        const lines = renderText(explanation, { isVerbose: flags.verbose });
        process.stdout.write(`${i === 0 ? '' : '\n'}${lines.join('\n')}\n`);
      }
    }
  },
};

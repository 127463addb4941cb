import type { CommandModule } from 'yargs';
import { readConfigFile } from '../ops/config/read-config';
import { readConfigFlags, withConfigFlags, type ConfigFlags } from './config-flags';
import { type JsonFlag, tell, tellPrograms, withJsonFlag } from './output';
import { ConfigError } from '../errors/config-error';

export const configCheckCommand: CommandModule<object, ConfigFlags & JsonFlag> = {
  command: 'check',
  describe: 'Say whether a configuration is valid, and everything that is wrong with it if not',
  builder: (argv) => withJsonFlag(withConfigFlags(argv)).example('$0 config check -c pcache.yaml', ''),
  handler: (flags) => {
    const { file, sources } = readConfigFlags(flags, process.env);
    const { databases, notices, source } = checked(flags, () => readConfigFile(file, sources));
    for (const notice of notices) process.stderr.write(`${source}: ${notice}\n`);
    const names = [...databases.keys()];
    const listed = names.length === 0 ? 'relays every database untouched' : `databases: ${names.join(', ')}`;
    const text = `${source}: valid; ${listed}`;
    tell(flags, { source, valid: true, databases: names, notices, problems: [] }, text);
  },
};

/** What is wrong goes to standard error, as with every command; a program is told as well. */
function checked<Config>(flags: JsonFlag, read: () => Config): Config {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError)
      tellPrograms(flags, {
        source: error.source,
        valid: false,
        databases: [],
        notices: [],
        problems: error.problems,
      });
    throw error;
  }
}

import type { CommandModule } from 'yargs';
import { readConfigFile } from '../ops/config/read-config';
import { readConfigFlags, withConfigFlags, type ConfigFlags } from './config-flags';

export const configCheckCommand: CommandModule<object, ConfigFlags> = {
  command: 'check',
  describe: 'Say whether a configuration is valid, and everything that is wrong with it if not',
  builder: (argv) => withConfigFlags(argv).example('$0 config check -c pcache.yaml', ''),
  handler: (flags) => {
    const { file, sources } = readConfigFlags(flags, process.env);
    const { databases, notices } = readConfigFile(file, sources);
    for (const notice of notices) process.stderr.write(`${file}: ${notice}\n`);
    const names = [...databases.keys()].join(', ');
    process.stdout.write(
      `${file}: valid; ${names === '' ? 'relays every database untouched' : `databases: ${names}`}\n`,
    );
  },
};

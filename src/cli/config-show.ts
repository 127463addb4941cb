import type { Argv, CommandModule } from 'yargs';
import { checkConfig } from '../ops/config/check-config';
import { configText } from '../ops/config/read-config';
import { showConfig } from '../ops/config/show-config';
import { readConfigFlags, withConfigFlags, type ConfigFlags } from './config-flags';

interface ShowFlags extends ConfigFlags {
  readonly json: boolean;
}

export const configShowCommand: CommandModule<object, ShowFlags> = {
  command: 'show',
  describe: 'Print the configuration in force: file, environment, flags and defaults together; no secrets',
  builder: (argv): Argv<ShowFlags> =>
    withConfigFlags(argv).example('$0 config show -c pcache.yaml', '').option('json', {
      type: 'boolean',
      default: false,
      describe: 'Print JSON instead of YAML with comments',
    }),
  handler: (flags) => {
    const { file, sources } = readConfigFlags(flags, process.env);
    const checked = checkConfig(...configText(file, sources));
    process.stdout.write(flags.json ? `${JSON.stringify(checked.file, null, 2)}\n` : showConfig(checked));
  },
};

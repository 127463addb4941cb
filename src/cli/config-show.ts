import type { Argv, CommandModule } from 'yargs';
import { checkConfig } from '../ops/config/check-config';
import { configText } from '../ops/config/read-config';
import { originsOf, showConfig } from '../ops/config/show-config';
import { readConfigFlags, withConfigFlags, type ConfigFlags } from './config-flags';
import { type JsonFlag, withJsonFlag } from './output';

type ShowFlags = ConfigFlags & JsonFlag;

export const configShowCommand: CommandModule<object, ShowFlags> = {
  command: 'show',
  describe: 'Print the configuration in force: file, environment, flags and defaults together; no secrets',
  builder: (argv): Argv<ShowFlags> =>
    withJsonFlag(withConfigFlags(argv)).example('$0 config show -c pcache.yaml', ''),
  handler: (flags) => {
    const { file, sources } = readConfigFlags(flags, process.env);
    const checked = checkConfig(...configText(file, sources));
    // Names of databases and tables are names of properties here, and stay as they are.
    const object = { ...checked.file, origins: originsOf(checked) };
    process.stdout.write(flags.json ? `${JSON.stringify(object)}\n` : showConfig(checked));
  },
};

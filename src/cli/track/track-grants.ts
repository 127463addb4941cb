import type { CommandModule } from 'yargs';
import { trackingScript } from '../../freshness/tracking-schema';
import { readConfigFile } from '../../ops/config/read-config';
import { type ConfigFlags, readConfigFlags, withConfigFlags } from '../config-flags';

interface GrantsFlags extends ConfigFlags {
  readonly control: string;
}

export const trackGrantsCommand: CommandModule<object, GrantsFlags> = {
  command: 'grants',
  describe: 'Print the SQL that gives the control role what it needs of change tracking, and nothing more',
  builder: (argv) =>
    withConfigFlags(argv).example('$0 track grants --control pcache -c pcache.yaml', '').option('control', {
      type: 'string',
      requiresArg: true,
      demandOption: true,
      describe: 'Role of proxies and observers',
    }),
  handler: ({ control, ...flags }) => {
    const { file, sources } = readConfigFlags(flags, process.env);
    const { schema } = readConfigFile(file, sources).freshness;
    process.stdout.write(trackingScript('grants', schema, { control }).text);
  },
};

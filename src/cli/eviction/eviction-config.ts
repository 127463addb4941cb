import type { CommandModule } from 'yargs';
import type { DatabaseEvictionStatus } from '../../cache/backends/postgresql/database-eviction';
import type { EvictionLimits } from '../../cache/eviction/eviction-policy';
import {
  evictingDatabase,
  type EvictionFlags,
  scheduleEviction,
  withEvictionFlags,
} from './evicting-database';
import { type LimitFlags, limitFlagNames, withLimitFlags } from './limit-flags';
import { tell } from '../output';

interface ConfigureFlags extends EvictionFlags, LimitFlags {
  readonly schedule: string | undefined;
}

const limitOfFlag = {
  strategy: 'strategy',
  'max-age-days': 'maxAgeMs',
  'max-entries': 'maxEntries',
  'max-bytes': 'maxBytes',
  'max-entries-per-key': 'maxEntriesPerKey',
  'max-bytes-per-key': 'maxBytesPerKey',
} as const satisfies Readonly<Record<(typeof limitFlagNames)[number], keyof EvictionLimits>>;

export const evictionConfigCommand: CommandModule<object, ConfigureFlags> = {
  command: ['config', 'update-config'],
  describe: 'Say what the limits in the database are, or change those that are given',
  builder: (argv) =>
    withLimitFlags(
      withEvictionFlags(argv).example('$0 eviction config --strategy largest -c pcache.yaml', ''),
      'as it is',
    ).option('schedule', {
      type: 'string',
      requiresArg: true,
      describe: 'When it is to run, as crontab has it',
    }),
  handler: async ({ schedule, ...flags }) => {
    await using place = evictingDatabase(flags);
    const { eviction, config } = place;
    const given = limitFlagNames.filter((name) => flags[name] !== undefined).map((name) => limitOfFlag[name]);
    const cronDatabase = flags['cron-database'];
    if (given.length > 0 || schedule !== undefined || cronDatabase !== undefined)
      await eviction.change({
        limits: Object.fromEntries(given.map((name) => [name, config.eviction.limits[name]])),
        ...(schedule === undefined ? {} : { schedule }),
        ...(cronDatabase === undefined ? {} : { cronDatabase }),
      });
    const status = await eviction.status();
    if (schedule !== undefined && status.isEnabled) await scheduleEviction(place);
    tell(flags, settingsObject(status), describeSettings(status));
  },
};

/** The same for a program; a limit that is not set is absent. */
export function settingsObject({ limits, isEnabled, ...rest }: DatabaseEvictionStatus): object {
  const { maxAgeMs, ...others } = limits;
  const maxAgeDays = maxAgeMs === undefined ? undefined : maxAgeMs / dayMs;
  return { enabled: isEnabled, ...rest, limits: { ...others, maxAgeDays } };
}

const dayMs = 86_400_000;

export function describeSettings({ limits, schedule, logDays, isEnabled }: DatabaseEvictionStatus): string {
  const { strategy, maxAgeMs, maxEntries, maxBytes, maxEntriesPerKey, maxBytesPerKey } = limits;
  const said = [
    ...(maxAgeMs === undefined ? [] : [`${maxAgeMs / dayMs} days`]),
    ...(maxEntries === undefined ? [] : [`${maxEntries} entries`]),
    ...(maxBytes === undefined ? [] : [`${maxBytes} bytes`]),
    ...(maxEntriesPerKey === undefined ? [] : [`${maxEntriesPerKey} entries of each partition key`]),
    ...(maxBytesPerKey === undefined ? [] : [`${maxBytesPerKey} bytes of each partition key`]),
  ];
  return (
    `${isEnabled ? 'enabled' : 'disabled'}, schedule ${schedule}, log kept ${logDays} days\n` +
    `strategy ${strategy}, limits: ${said.length === 0 ? 'none' : said.join(', ')}`
  );
}

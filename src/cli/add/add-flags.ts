import type { Argv } from 'yargs';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { type FragmentFlags, givenFragmentFlags, withFragmentFlags } from '../fragment-flags';
import { type KeyFlags, withKeyFlags } from '../key-flags';
import { UsageError } from '../usage-error';
import { type JsonFlag, withJsonFlag } from '../output';

/** The options of `pcache add`. */
export interface AddFlags extends ConfigFlags, KeyFlags, FragmentFlags, JsonFlag {
  readonly query: string | undefined;
  readonly 'query-file': string | undefined;
  readonly direct: boolean | undefined;
  readonly queue: boolean | undefined;
  readonly 'queue-original': boolean | undefined;
  readonly 'no-recompose': boolean | undefined;
  readonly force: boolean | undefined;
  readonly priority: string | undefined;
  readonly 'set-session': readonly string[] | undefined;
}

export type AddWay = 'direct' | 'queue' | 'queue-original';
const ways = ['direct', 'queue', 'queue-original'] as const satisfies readonly AddWay[];

export function withAddFlags<T>(argv: Argv<T>): Argv<T & AddFlags> {
  const text = { type: 'string', requiresArg: true } as const;
  const flag = { type: 'boolean' } as const;
  return withJsonFlag(
    withFragmentFlags(withKeyFlags(withConfigFlags(argv))),
    'for each fragment or statement',
  )
    .option('query', { ...text, describe: 'The statement, or several' })
    .option('query-file', { ...text, describe: 'A file with them instead, - for standard input' })
    .option('direct', { ...flag, describe: 'Run its fragments now and store their keys' })
    .option('queue', { ...flag, describe: 'Queue its fragments, for proxies or observers to run' })
    .option('queue-original', {
      ...flag,
      describe: 'Queue the statement as it is, for proxies or observers to take apart',
    })
    .option('no-recompose', {
      ...flag,
      describe:
        'Only the statement as a whole, not the smaller fragments of it that other statements may share',
    })
    .option('force', {
      ...flag,
      describe: 'With --direct: run fragments although their keys are known',
    })
    .option('priority', { ...text, describe: 'In a queue: higher comes first [default: 1]' })
    .option('set-session', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'NAME=VALUE: a setting the statements are to be understood with, such as search_path',
    });
}

/** Throws UsageError unless it is exactly one. */
export function addWayOf(flags: AddFlags): AddWay {
  const said = ways.filter((way) => flags[way] === true);
  const [way, another] = said;
  if (way === undefined || another !== undefined)
    throw new UsageError(
      `say one of --direct, --queue or --queue-original${another === undefined ? '' : `, not ${said.map((each) => `--${each}`).join(' and ')}`}`,
    );
  if (flags.force === true && way !== 'direct') throw new UsageError('--force goes with --direct');
  if (flags.priority !== undefined && way === 'direct')
    throw new UsageError('--priority goes with --queue or --queue-original');
  const ofFragments = way === 'queue-original' ? givenFragmentFlags(flags) : [];
  if (way === 'queue-original' && flags['no-recompose'] === true) ofFragments.push('no-recompose');
  if (ofFragments.length > 0)
    throw new UsageError(
      `--${ofFragments.join(', --')}: goes with --direct or --queue; who takes a queued statement apart decides how`,
    );
  return way;
}

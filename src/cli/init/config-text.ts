import { stringify } from 'yaml';
import type { ServerTlsFiles } from '../../postgres/server-tls';
import { written } from '../key-flags';
import type { SuggestedKey } from './suggest-keys';

/** What a configuration is written from. */
export interface InitialConfig {
  readonly host: string;
  readonly port: number;
  /** How the server was reached, if by TLS. */
  readonly tls: ServerTlsFiles | undefined;
  readonly database: string;
  readonly user: string;
  /** Variable that holds the password; undefined: none is needed. */
  readonly passwordVariable: string | undefined;
  /** Best first. */
  readonly keys: readonly SuggestedKey[];
  /** Whether `pcache track install` has been run there. */
  readonly isTracked: boolean;
  readonly hasStatements: boolean;
}

/** More than that are in comments: each key costs a look at every statement. */
const mostKeys = 2;

/** A configuration file with comments that say why it is as it is. Holds no secret. */
export function configText(initial: InitialConfig): string {
  const { host, port, tls, database, user, passwordVariable, keys } = initial;
  const [used, others] = [keys.slice(0, mostKeys), keys.slice(mostKeys, mostKeys + 5)];
  return [
    '# Written by pcache init. pcache config check says whether it is valid, pcache config show what is in force.',
    '',
    '# Clients connect here, and need to change nothing but the port.',
    'listen: { host: 127.0.0.1, port: 6432 }',
    '# The server.',
    `upstream: { host: ${scalar(host)}, port: ${port}${tls === undefined ? '' : `, tls: ${tlsText(tls)}`} }`,
    '',
    '# observe learns and reports, and changes no statement: a way to begin. on restricts statements.',
    'mode: "on"',
    '',
    '# Key sets are kept in a directory. To share them between proxies, or to have observers: backend: postgresql_array,',
    '# and pcache manage setup.',
    'cache: { backend: rocksdb_set, path: ./pcache-data }',
    '',
    'databases:',
    `  ${scalar(database)}:`,
    '    # The role that reads the catalog and runs fragments. It needs CONNECT, USAGE on the schemas, SELECT on the tables.',
    `    control: { user: ${scalar(user)}${passwordVariable === undefined ? '' : `, password_env: ${passwordVariable}`} }`,
    ...(used.length === 0
      ? [
          '    # No column was found that is in several tables, with values that many rows share. Name one, with its tables:',
          '    partition_keys:',
          '      # region:',
          '      #   datatype: integer',
          '      #   tables: { public.place: region_id }',
          '      {}',
        ]
      : [
          '    partition_keys:',
          ...used.flatMap((key) => keyLines(key, initial).map((line) => `      ${line}`)),
        ]),
    ...others.flatMap((key) => ['', ...keyLines(key, initial).map((line) => `      # ${line}`)]),
    '',
  ].join('\n');
}

function tlsText({ mode, ...files }: ServerTlsFiles): string {
  const written = Object.entries(files).flatMap(([name, file]: [string, string | undefined]) =>
    file === undefined ? [] : [`${name}: ${JSON.stringify(file)}`],
  );
  return `{ ${[`mode: ${mode}`, ...written].join(', ')} }`;
}

function keyLines(
  { name, datatype, columns, why }: SuggestedKey,
  { isTracked, hasStatements }: InitialConfig,
): string[] {
  return [
    ...why.map((reason) => `# ${reason}`),
    ...(hasStatements
      ? []
      : ['# which statements take most time is not known: pg_stat_statements is not there']),
    `${keyName(name)}:`,
    `  datatype: ${datatype}`,
    ...(isTracked
      ? ['  # Changes are noted here already.']
      : [
          '  # exact, the default: every answer is that of the data as they are. It takes pcache track install, once.',
          '  # If the data do not change:',
        ]),
    ...(isTracked ? [] : ['  # consistency: static']),
    '  tables:',
    ...columns.map(
      ({ schema, table, column }) =>
        `    ${scalar(`${written(schema)}.${written(table)}`)}: ${scalar(written(column))}`,
    ),
  ];
}

/** Names of partition keys are letters, digits and underscores. */
function keyName(column: string): string {
  const name = column.replaceAll(/[^A-Za-z0-9_]/g, '_').slice(0, 63);
  return /^[A-Za-z_]/.test(name) ? name : `key_${name.slice(0, 59)}`;
}

function scalar(text: string): string {
  return stringify(text).trimEnd();
}

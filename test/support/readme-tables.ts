import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheTypeNames, describeCacheTypes } from '../../src/cache/cache-types';
import { listConfigOptions } from '../../src/ops/config/config-options';
import { databaseVariables, partitionCacheVariables } from '../../src/ops/config/partition-cache-variables';
import { commands, formOf } from '../../src/ops/console/read-commands';
import { forwardReasons } from '../../src/ops/metrics/forward-reasons';
import { Metrics } from '../../src/ops/metrics/metrics';
import { partitionKeyTypes } from '../../src/query/partition-key';

export const readmePath = join(__dirname, '..', '..', 'README.md');

/** The README with its generated tables as they should be. */
export async function readmeWithTables(readme: string): Promise<string> {
  const tables = {
    options: optionsTable(),
    console: consoleTable(),
    variables: variablesTable(),
    backends: backendsTable(),
    metrics: await metricsTable(),
    reasons: reasonsTable(),
  };
  return Object.entries(tables).reduce((text, [name, rows]) => replaceSection(text, name, rows), readme);
}

function replaceSection(readme: string, name: string, table: string): string {
  const section = new RegExp(`(<!-- ${name}:[^\\n]*-->\\n)[^]*?(<!-- /${name} -->)`);
  if (!section.test(readme)) throw new Error(`README.md has no section for ${name}`);
  return readme.replace(section, (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`);
}

function optionsTable(): string {
  return table(
    ['option', 'default', 'meaning'],
    listConfigOptions().map(({ name, default: value, description, expects, isRequired }) => [
      `\`${name}\``,
      value === undefined ? (isRequired ? 'required' : '') : `\`${String(value)}\``,
      `${description} (${expects})`,
    ]),
  );
}

function consoleTable(): string {
  return table(
    ['command', 'what it does'],
    commands.map((command) => [`\`${formOf(command).replaceAll('|', '\\|')}\``, command.summary]),
  );
}

function variablesTable(): string {
  return table(
    ['variable', 'option', 'for'],
    [
      ...databaseVariables.map((name) => [
        `\`${name}\``,
        { DB_HOST: '`upstream.host`', DB_PORT: '`upstream.port`', DB_NAME: 'the database under `databases`' }[
          name as string
        ] ?? `\`databases.<name>.control.${name === 'DB_USER' ? 'user' : 'password_env'}\``,
        'use without a configuration file',
      ]),
      ['`REDIS_HOST`, `REDIS_PORT`', '`cache.redis.addresses`', ''],
      ...partitionCacheVariables.map(({ name, formerName, path, backends, reads }) => [
        formerName === undefined ? `\`${name}\`` : `\`${name}\`, \`${formerName}\``,
        `\`${path.join('.').replace('databases.*', 'databases.<name>').replace('.*.', '.<key>.')}\`` +
          (reads === 'opposite' ? ', the opposite' : ''),
        backends === undefined ? '' : cacheTypeNames.filter((type) => backends.test(type)).join(', '),
      ]),
    ],
  );
}

function backendsTable(): string {
  return table(
    ['`cache.backend`', ...partitionKeyTypes, 'read in place', 'filled in place'],
    Object.entries(describeCacheTypes()).map(([name, { datatypes, readsInPlace, populatesInPlace }]) => [
      `\`${name}\``,
      ...partitionKeyTypes.map((datatype) => (datatypes.includes(datatype) ? 'yes' : '')),
      ...[readsInPlace, populatesInPlace].map((ability) => (ability === 'no' ? '' : ability)),
    ]),
  );
}

function reasonsTable(): string {
  return table(
    ['reason', 'meaning'],
    [...forwardReasons].map(([reason, { meaning }]) => [reason, meaning]),
  );
}

async function metricsTable(): Promise<string> {
  const metrics = new Metrics({ version: '0' });
  metrics.watchTraffic(() => ({ bytesFromClients: 0, bytesFromUpstream: 0 }));
  const rows = (await metrics.describe()).filter(({ name }) => !/^pcache_(process|nodejs)_/.test(name));
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    rows.map(({ name, type, labels, help }) => [`\`${name}\``, type, labels.join(', '), help]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** `npm run docs` */
if (require.main === module) {
  void readmeWithTables(readFileSync(readmePath, 'utf8')).then((readme) => {
    writeFileSync(readmePath, readme);
  });
}

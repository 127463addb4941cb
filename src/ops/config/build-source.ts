import type { ConfigFile } from './config-schema';
import type { ControlConfig, SourceConfig } from './pcache-config';
import type { Secret } from './secret';

/** The section `source` of a database, checked, as the program works with it. */
export function buildSource(
  { source }: Pick<ConfigFile['databases'][string], 'source'>,
  control: ControlConfig,
  password: Secret | undefined,
  absolute: (path: string | undefined) => string | undefined,
): SourceConfig | undefined {
  if (source === undefined) return undefined;
  const { kind, host = '', user = '', database = '', schema = 'public' } = source;
  switch (kind) {
    case 'standby':
      return { kind, host, port: source.port ?? control.port };
    case 'mysql':
      return { kind, host, port: source.port ?? 3306, user, password, database, schema };
    case 'sqlite':
      return { kind, path: absolute(source.path) ?? '', schema };
  }
}

import type { PcacheConfig } from '../../ops/config/pcache-config';
import { Secret } from '../../ops/config/secret';

declare const packed: unique symbol;
/** A configuration that can be sent to another process of this program. It shows its secrets. */
export type PackedConfig = object & { readonly [packed]?: true };

/** Under no name of an option. */
const secretMark = '\0secret';

/** So that a worker goes by what its overseer does, whatever has become of files and variables since that was read. */
export function packConfig(config: PcacheConfig): PackedConfig {
  return mapDeep(config, (value) =>
    value instanceof Secret ? { [secretMark]: value.reveal() } : undefined,
  ) as PackedConfig;
}

export function unpackConfig(config: PackedConfig): PcacheConfig {
  return mapDeep(config, (value) => {
    const secret: unknown = secretMark in value ? value[secretMark] : undefined;
    return typeof secret === 'string' ? new Secret(secret) : undefined;
  }) as PcacheConfig;
}

/** The same with other objects for some. */
function mapDeep(value: unknown, replace: (value: object) => object | undefined): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const replaced = replace(value);
  if (replaced !== undefined) return replaced;
  const inside = (each: unknown): unknown => mapDeep(each, replace);
  if (Array.isArray(value)) return value.map(inside);
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, inside(each)]));
  if (value instanceof Set) return new Set([...value].map(inside));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inside(each)]));
}

import { formatPath } from './option-path';
import {
  adminPath,
  cachePostgresqlPath,
  cacheRedisPath,
  controlPath,
  queuePostgresqlPath,
  sourcePath,
} from './passwords';
import type { PcacheConfig } from './pcache-config';
import type { Secret } from './secret';

/** A place of the configuration that says where a secret is, which is another one than before. */
export interface RenewedSecret {
  readonly place: string;
  /** Whether it is for connections that are made anew; the other ones are read at the start only. */
  readonly isFollowed: boolean;
}

/** Places whose secrets are other ones in the second configuration; where one has none, an option has changed, which is told of elsewhere. */
export function renewedSecrets(before: PcacheConfig, after: PcacheConfig): readonly RenewedSecret[] {
  return pairs(before, after)
    .filter(([, old, now]) => old.reveal() !== now.reveal())
    .map(([place]) => ({ place, isFollowed: place !== formatPath(cacheRedisPath) }));
}

/** Has whoever was given a secret of the first configuration get that of the second one from now on. */
export function renewSecrets(before: PcacheConfig, after: PcacheConfig): void {
  for (const [, old, now] of pairs(before, after)) old.replaceBy(now);
}

function pairs(before: PcacheConfig, after: PcacheConfig): (readonly [string, Secret, Secret])[] {
  const now = secretsOf(after);
  return [...secretsOf(before)].flatMap(([place, old]) => {
    const other = now.get(place);
    return other === undefined ? [] : [[place, old, other] as const];
  });
}

function secretsOf({ databases, cache, queue, admin }: PcacheConfig): ReadonlyMap<string, Secret> {
  const found = [
    ...[...databases.values()].flatMap(({ name, control, source }) => [
      [controlPath(name), control.password] as const,
      [sourcePath(name), source !== undefined && 'password' in source ? source.password : undefined] as const,
    ]),
    [cachePostgresqlPath, cache.postgresql.password] as const,
    [cacheRedisPath, cache.redis.password] as const,
    [queuePostgresqlPath, queue.postgresql.password] as const,
    [adminPath, admin.token] as const,
  ];
  return new Map(
    found.flatMap(([path, secret]) => (secret === undefined ? [] : [[formatPath(path), secret] as const])),
  );
}

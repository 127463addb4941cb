import { Cluster, type Redis } from 'ioredis';
import type { FragmentHash } from '../../../query/fragment/fragment';
import { runScript } from '../../redis-scripts';
import type { RedisNames } from './redis-names';

/** A member that an index has while it lists all entries; no hash. One that the server has evicted begins anew without it. */
export const completeMark = 'all';

const hash = /^[0-9a-f]{64}$/;
/** Keys of the server that are looked at by one command. */
const scannedAtOnce = 1_000;

/**
 * Which entries a partition key has. The server may evict the index and leave entries: those would be neither listed nor removed with all the others,
 * and whoever read one would take it for what holds. So an index without its mark is made anew, from the keys there are.
 */
export class RedisIndex {
  constructor(
    private readonly client: Redis | Cluster,
    private readonly names: RedisNames,
  ) {}

  /** Of all entries there are. Rejects with the errors of ioredis. */
  async hashes(partitionKey: string): Promise<readonly FragmentHash[]> {
    const index = this.names.index(partitionKey);
    const members = (await this.isOfOtherType(index)) ? [] : await this.client.zrange(index, '0', '-1');
    const listed = members.filter((member) => hash.test(member)) as FragmentHash[];
    if (members.includes(completeMark)) return listed;
    const found = await this.scan(partitionKey);
    try {
      await runScript(this.client, 'cache', 'list', [index], [completeMark, ...found]);
    } catch (error) {
      // A server that is full, or takes no writes, can be read.
      if (!(error instanceof Error && /^(OOM|READONLY|MISCONF|NOPERM)/.test(error.message))) throw error;
    }
    return [...new Set([...listed, ...found])];
  }

  /** The same whatever the index says: looks at all keys of the server. */
  async scan(partitionKey: string): Promise<readonly FragmentHash[]> {
    const prefix = this.names.descriptions(partitionKey);
    const nodes = this.client instanceof Cluster ? this.client.nodes('master') : [this.client];
    const pattern = `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`;
    const found = new Set<string>();
    for (const node of nodes) {
      for (let cursor = '0', isFirst = true; isFirst || cursor !== '0'; isFirst = false) {
        const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', scannedAtOnce);
        for (const key of keys) found.add(key.slice(prefix.length));
        cursor = next;
      }
    }
    return [...found].filter((name) => hash.test(name)) as FragmentHash[];
  }

  private async isOfOtherType(index: string): Promise<boolean> {
    const type = await this.client.type(index);
    return type !== 'zset' && type !== 'none';
  }
}

import { Redis } from 'ioredis';
import { freePort } from './free-port';
import { type RedisServer, startRedis } from './redis-server';
import { until } from './until';

const slots = 16_384;

/** A Redis Cluster of three nodes, each with a third of the slots and no replica. */
export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly [RedisServer, ...RedisServer[]];
  /** Resolves when every node that runs sees this many others and itself, and takes the cluster for whole. */
  untilWhole(): Promise<void>;
  /** The node that has the keys with this hash tag. */
  nodeOf(key: string): Promise<RedisServer>;
  flush(): Promise<void>;
}

export async function startRedisCluster(): Promise<RedisCluster> {
  const first = await startNode();
  const nodes = [first, await startNode(), await startNode()] as const;
  const step = Math.ceil(slots / nodes.length);
  for (const [i, node] of nodes.entries()) {
    const last = Math.min(slots, (i + 1) * step) - 1;
    await asked(node, (client) => client.call('CLUSTER', 'ADDSLOTSRANGE', i * step, last));
    const { host, port, busPort } = first;
    if (node !== first) await asked(node, (client) => client.call('CLUSTER', 'MEET', host, port, busPort));
  }

  async function untilWhole(): Promise<void> {
    for (const node of nodes) {
      await until('the node takes the cluster for whole', async () => {
        const info = await asked(node, (client) => client.cluster('INFO'));
        return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}`);
      });
    }
  }
  await untilWhole();

  return {
    nodes,
    untilWhole,
    nodeOf: async (key) => {
      const slot = await asked(first, (client) => client.cluster('KEYSLOT', key));
      return nodes[Math.floor(slot / step)] ?? first;
    },
    flush: async () => {
      for (const node of nodes) await asked(node, (client) => client.flushall());
    },
    [Symbol.asyncDispose]: async () => {
      for (const node of nodes) await node[Symbol.asyncDispose]();
    },
  };
}

async function startNode(): Promise<RedisServer & { readonly busPort: number }> {
  const busPort = await freePort();
  const server = await startRedis([
    ['cluster-enabled', 'yes'],
    ['cluster-port', String(busPort)],
    ['cluster-node-timeout', '1000'],
    ['cluster-require-full-coverage', 'no'],
  ]);
  return Object.assign(server, { busPort });
}

async function asked<T>({ host, port }: RedisServer, ask: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(port, host);
  try {
    return await ask(client);
  } finally {
    client.disconnect();
  }
}

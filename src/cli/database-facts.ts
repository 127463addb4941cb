import type { KnownEntry } from '../cache/lookup/known-entry';
import { renderJson } from '../engine/explain/render-json';
import { renderText } from '../engine/explain/render-text';
import type { DatabaseFacts, EntryFacts } from '../ops/console/console-subjects';
import type { ComposedDatabase } from './compose-database';

/** What the console shows of a database. */
export function databaseFacts(name: string, database: ComposedDatabase): DatabaseFacts {
  const { engine, queries, fragments } = database;
  return {
    name,
    keySetBytes: engine.keySets.bytes,
    trouble: engine.trouble,
    entries: () => entryFacts(engine.directory.entries()),
    queues: async () => [
      { tier: 'fragments', queue: await fragments.lengthsIfOpen() },
      { tier: 'statements', queue: await queries.lengthsIfOpen() },
    ],
    freshness: () => database.freshness(),
    explain: async (text, { isVerbose, isJson }) => {
      const statement = engine.inspect(text);
      const request = { statement, context: undefined, isContextCertain: true, canRetry: true };
      const explanation = await engine.explain(request);
      return isJson
        ? JSON.stringify([{ pcache: renderJson(explanation) }], null, 2)
        : renderText(explanation, { isVerbose }).join('\n');
    },
  };
}

function entryFacts(entries: Iterable<KnownEntry>): readonly EntryFacts[] {
  const groups = new Map<string, EntryFacts>();
  for (const { partitionKey, status, keyCount, createdAt, lastUsedAt } of entries) {
    const group = `${status} ${partitionKey}`;
    const known = groups.get(group);
    groups.set(group, {
      ...{ partitionKey, status },
      entries: (known?.entries ?? 0) + 1,
      keys: (known?.keys ?? 0) + keyCount,
      oldestAt: new Date(Math.min(known?.oldestAt.getTime() ?? Infinity, createdAt)),
      newestAt: new Date(Math.max(known?.newestAt.getTime() ?? -Infinity, createdAt)),
      lastUsedAt: new Date(Math.max(known?.lastUsedAt.getTime() ?? -Infinity, lastUsedAt)),
    });
  }
  return [...groups.values()];
}

import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeClose } from '../../src/wire/frontend/close';
import { encodeDescribe } from '../../src/wire/frontend/describe';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeFlush } from '../../src/wire/frontend/flush';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { Client } from 'pg';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { until } from '../support/until';
import { transcript, WireClient } from '../support/wire-client';

/**
 * Random conversations, held with PostgreSQL itself and through the proxy. Every candidate is rewritten into a text with the
 * same answer, in all the ways there are: at once, late, with the context, to be run again on an error. Whatever is sent,
 * and however it is cut and pipelined, the answers have to be equal.
 */
const conversations = Number(process.env['PCACHE_TEST_CONVERSATIONS'] ?? 200);
const seed = Number(process.env['PCACHE_TEST_SEED'] ?? Date.now() % 1_000_000);

/** A small generator of numbers, the same for the same seed. */
function randomOf(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  };
}

const candidates = {
  plain: `select 'plain'`,
  late: `select 'late'`,
  context: `select 'context', current_setting('search_path')`,
  lateContext: `select 'late context'`,
  fails: `select 'fails'`,
  failsLate: `select 'fails late' from generate_series(1, 3)`,
  failsContext: `select 'fails context'`,
  many: `select i from generate_series(1, 40) i`,
  manyHeld: `select i, 'held' from generate_series(1, 40) i`,
  failsBeforeRows: `select i, 'fails before' from generate_series(1, 4) i`,
  huge: `select length(repeat('x', 100))`,
  parameter: `select 'parameter ' || $1::text`,
  parameterFails: `select 'parameter fails ' || $1::text`,
  number: `select 1000 / $1::int`,
  changing: 'select a from changing',
} as const;

/** What another session does to the table in between; whoever has it locked is not waited for. */
const changes = [
  'alter table changing alter a type text',
  'alter table changing alter a type int using a::int',
  'alter table changing rename a to b',
  'alter table changing rename b to a',
];
/** Before each conversation; the table keeps its number. */
const schema = `
  create table if not exists changing (a int);
  truncate changing;
  insert into changing values (1), (2);
  do $$ begin alter table changing rename b to a; exception when undefined_column then null; end $$;
  alter table changing alter a type int using a::int;
  create or replace function forget() returns text language plpgsql as
    $$ begin execute 'deallocate all'; return 'forgotten'; end $$;
`;

const others = [
  'select 1',
  'select 2; select 3',
  `set search_path = pg_catalog, public`,
  `set local search_path = public`,
  'reset all',
  'begin',
  'commit',
  'rollback',
  'savepoint s',
  'rollback to s',
  'select nonsense',
  'select 1; select 1/0',
  `do $$ begin raise notice 'careful'; end $$`,
  'create temporary table if not exists t (a int)',
  'begin; select 4; commit',
  'savepoint s; select 1/0',
  'release s',
  'discard all',
  'deallocate all',
  'select forget()',
  `do $$ begin execute 'deallocate all'; end $$`,
  '',
];

function scriptedEngine(): ScriptedEngine {
  const engine = new ScriptedEngine();
  const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const { plans } = engine;
  plans.set(candidates.plain, { text: `${candidates.plain} where true` });
  plans.set(candidates.late, { text: `${candidates.late} where true`, after: soon });
  // Texts that come again are kept.
  plans.set(candidates.context, {
    text: `${candidates.context} where true`,
    needsContext: true,
    lastsWith: engine,
  });
  plans.set(candidates.lateContext, {
    text: `${candidates.lateContext} where 1 = 1`,
    needsContext: true,
    after: soon,
  });
  plans.set(candidates.fails, { text: 'select 1/0', mustRetryOnError: true });
  plans.set(candidates.failsLate, {
    text: 'select 1/(3 - i) from generate_series(1, 3) i',
    mustRetryOnError: true,
    after: soon,
  });
  plans.set(candidates.failsContext, {
    text: 'select nonsense',
    mustRetryOnError: true,
    needsContext: true,
    lastsWith: engine,
  });
  plans.set(candidates.changing, {
    text: `${candidates.changing} where true`,
    needsContext: true,
    lastsWith: engine,
  });
  plans.set(candidates.manyHeld, {
    ...{ text: `${candidates.manyHeld} where i < 1000`, mustRetryOnError: true, isCertainAtFirstRow: true },
  });
  plans.set(candidates.failsBeforeRows, {
    ...{
      text: `${candidates.failsBeforeRows} offset 1/0`,
      mustRetryOnError: true,
      isCertainAtFirstRow: true,
    },
  });
  plans.set(candidates.many, {
    text: `${candidates.many} where i < 1000`,
    needsContext: true,
    lastsWith: engine,
  });
  plans.set(candidates.huge, { text: `select repeat('x', 100000)`, mustRetryOnError: true });
  plans.set(candidates.parameter, {
    text: `${candidates.parameter} where $1 is not null`,
    parameterOids: [25],
  });
  plans.set(candidates.parameterFails, {
    text: `select 1/0 where $1::text = $1::text`,
    parameterOids: [25],
    mustRetryOnError: true,
  });
  plans.set(candidates.number, {
    text: `${candidates.number} where true`,
    parameterOids: [23],
    needsContext: true,
  });
  return engine;
}

interface Turn {
  readonly bytes: Buffer;
  /** How many ReadyForQuery answer it. */
  readonly replies: number;
  /** What another session does before. */
  readonly change?: string;
}

function makeConversation(random: () => number): Turn[] {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const texts = Object.values(candidates);
  const names = ['', 'a', 'b'];
  // PostgreSQL 18.4 crashes when the unnamed portal of a simple query that failed is executed or described: the portal
  // outlives its statements. So the unnamed portal is only spoken of behind a Bind that makes a new one.
  let portals: readonly string[] = [];
  const message = (): Buffer => {
    switch (Math.floor(random() * 12)) {
      case 0:
      case 1:
      case 2:
        return encodeParse({
          statementName: pick(names),
          query: random() < 0.8 ? pick(texts) : pick(others),
          parameterTypeOids: [],
        });
      case 3:
      case 4:
      case 5:
        portals = names;
        return encodeBind({
          portalName: pick(names),
          statementName: pick(names),
          parameterFormats: [],
          parameters: random() < 0.5 ? [] : [Buffer.from(pick(['7', 'x', '0', '']))],
          resultFormats: [],
        });
      case 6:
      case 7:
        return encodeExecute({ portalName: pick(portals), maxRows: pick([0, 0, 0, 15]) });
      case 8:
        return random() < 0.5
          ? encodeDescribe({ target: 'portal', name: pick(portals) })
          : encodeDescribe({ target: 'statement', name: pick(names) });
      case 9:
        return encodeClose({ target: pick(['portal', 'statement'] as const), name: pick(names) });
      case 10:
        return encodeFlush();
      default:
        return Buffer.alloc(0);
    }
  };
  /** What drivers send. */
  const whole = (): Buffer[] => {
    const name = pick(names);
    const text = pick(texts);
    return [
      ...(random() < 0.7 ? [encodeParse({ statementName: name, query: text, parameterTypeOids: [] })] : []),
      encodeBind({
        portalName: '',
        statementName: name,
        parameterFormats: [],
        parameters: text.includes('$1') ? [Buffer.from(pick(['7', 'x']))] : [],
        resultFormats: [],
      }),
      ...(random() < 0.5 ? [encodeDescribe({ target: 'portal', name: '' })] : []),
      encodeExecute({ portalName: '', maxRows: 0 }),
    ];
  };
  const changed = (): Turn => ({ bytes: Buffer.alloc(0), replies: 0, change: pick(changes) });
  return Array.from({ length: 4 + Math.floor(random() * 14) }, (): Turn | readonly Turn[] => {
    const kind = random();
    if (kind < 0.08) return changed();
    if (kind < 0.16) {
      // As drivers pipeline: each with a Sync of its own, or all before one.
      const hits = Array.from({ length: 2 + Math.floor(random() * 6) }, whole);
      if (random() < 0.5) return { bytes: Buffer.concat([...hits.flat(), encodeSync()]), replies: 1 };
      return { bytes: Buffer.concat(hits.flatMap((hit) => [...hit, encodeSync()])), replies: hits.length };
    }
    if (kind < 0.3) {
      // A text that comes again is not sent as a text.
      const turn = { bytes: encodeQuery({ query: pick(texts) }), replies: 1 };
      return Array.from({ length: 1 + Math.floor(random() * 5) }, () => (random() < 0.1 ? changed() : turn));
    }
    if (kind < 0.5) return { bytes: encodeQuery({ query: pick(others) }), replies: 1 };
    portals = names.slice(1);
    const messages = kind < 0.8 ? whole() : Array.from({ length: Math.floor(random() * 8) }, message);
    return { bytes: Buffer.concat([...messages, encodeSync()]), replies: 1 };
  }).flat();
}

/** What the conversation says, in groups of turns that are sent without waiting, cut at random places. */
async function converse(
  port: number,
  login: Readonly<Record<string, string>>,
  turns: readonly Turn[],
  random: () => number,
  change: (text: string) => Promise<string>,
): Promise<string[]> {
  const client = await WireClient.login(port, login);
  try {
    const lines: string[] = [];
    for (let at = 0; at < turns.length;) {
      const group = turns.slice(at, at + 1 + Math.floor(random() * 3));
      at += group.length;
      for (const turn of group) if (turn.change !== undefined) lines.push(await change(turn.change));
      let bytes = Buffer.concat(group.map((turn) => turn.bytes));
      while (bytes.length > 0) {
        const size = random() < 0.6 ? bytes.length : 1 + Math.floor(random() * 40);
        client.send(bytes.subarray(0, size));
        bytes = bytes.subarray(size);
        if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
      }
      const replies = group.reduce((sum, turn) => sum + turn.replies, 0);
      if (replies > 0) lines.push(...transcript(await client.until('Z', replies)));
    }
    return lines;
  } finally {
    client.close();
  }
}

describe(`random conversations (PCACHE_TEST_SEED=${seed})`, () => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let engine: ScriptedEngine;
  let database: string;
  let other: Client;

  beforeAll(async () => {
    server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
    database = await server.createDatabase();
    other = new Client(server.connectionOptions(database));
    await other.connect();
    await other.query(`set lock_timeout = '100ms'; set client_min_messages = warning`);
    engine = scriptedEngine();
    proxy = await startProxy(server.port, { [database]: engine }, { limits: { maxHeldBytes: 50_000 } });
  });

  afterAll(async () => {
    await other?.end();
    await proxy?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  const change = (text: string): Promise<string> =>
    other.query(text).then(
      () => `${text}: done`,
      (error: unknown) => `${text}: ${String(error)}`,
    );

  test(`${conversations} of them`, async () => {
    const login = { user: server.user, database };
    for (let i = 0; i < conversations; i++) {
      engine.wantsContext = i % 3 === 0;
      const turns = makeConversation(randomOf(seed * 1000 + i));
      const sent = turns.map(({ bytes }) => bytes.toString('latin1'));
      const hold = async (port: number): Promise<string[]> => {
        // The one before may still be ending.
        await until('the table is free', () =>
          other.query(schema).then(
            () => true,
            () => false,
          ),
        );
        return converse(port, login, turns, randomOf(i), change);
      };
      const expected = await hold(server.port);
      const actual = await hold(proxy.port);
      // Reports of settings may come between other messages, as the manual says; their order among themselves counts.
      const words = (lines: string[]): object => ({
        conversation: i,
        sent,
        replies: lines.filter((line) => !line.startsWith('S')),
        settings: lines.filter((line) => line.startsWith('S')),
      });
      expect(words(actual)).toEqual(words(expected));
    }
    expect(proxy.events.scanningGivenUpCount).toBe(0);
    expect(proxy.events.protocolErrors).toEqual([]);
    expect(proxy.complaints).toEqual([]);
    // All the ways were gone.
    const outcomes = new Set(proxy.events.statements.map(({ plan, outcome }) => `${plan} ${outcome}`));
    expect([...outcomes].sort()).toEqual([
      'forward complete',
      'forward failed',
      'rewrite complete',
      'rewrite failed',
      'rewrite fellBack',
    ]);
    const keptOutcomes = new Set(
      proxy.events.statements.filter(({ isKeptText }) => isKeptText).map(({ outcome }) => outcome),
    );
    expect([...keptOutcomes].sort()).toEqual(['complete', 'fellBack']);
    expect(proxy.events.asks).toContain('answered');
  }, 600_000);
});

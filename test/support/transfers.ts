import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { romes } from './changing-data';
import type { ConnectionOptions } from './postgres-server';
import { errorField, firstColumns, transcript, WireClient, type WireMessage } from './wire-client';

/** How a transaction is put into messages. */
export const transferForms = [
  'statement by statement',
  'in one query',
  'as queries sent together',
  'as executions before one Sync',
] as const;
type TransferForm = (typeof transferForms)[number];

/** The tables; what is in `account` is 0 in all, whatever is transferred. */
export const transferTables = `
  create table account (client int, name text, amount int not null, primary key (client, name));
  insert into account select client, name, 0 from generate_series(0, 9) client, unnest(array['from', 'to']) name;
  create table transfer (client int, serial int, primary key (client, serial))`;
/** Time between two transactions: others have work to do, too. */
const pauseMs = 5;

/**
 * A client that stays connected, and has one transaction after the other: each moves an amount between two accounts and writes its serial
 * number down. Sent away, it comes again, and goes on with the transaction it was about to begin. It trusts nobody: each reply is looked at.
 */
export class TransferringClient {
  /** How often it was sent away, always between two transactions. */
  goodbyes = 0;
  private serial = 0;

  /** How many it has had. */
  get transactions(): number {
    return this.serial;
  }

  /** @param through must trust its user */
  constructor(
    private readonly id: number,
    private readonly form: TransferForm,
    private readonly connections: { readonly through: ConnectionOptions; readonly direct: ConnectionOptions },
  ) {}

  /** Until the signal fires. Rejects at the first transaction that was cut, lost, or done twice. */
  async run(signal: AbortSignal): Promise<void> {
    const { port, user, database } = this.connections.through;
    let client = await WireClient.login(port, { user, database });
    while (!signal.aborted) {
      if (await this.transfer(client)) this.serial++;
      else {
        this.goodbyes++;
        await this.expectSerials(this.serial);
        client = await WireClient.login(port, { user, database });
      }
      await delay(pauseMs);
    }
    client.close();
    await this.expectSerials(this.serial);
  }

  /** Resolves to false if it was sent away before anything was done. */
  private async transfer(client: WireClient): Promise<boolean> {
    const { id, serial } = this;
    const texts = [
      'begin',
      `update account set amount = amount - ${serial} where client = ${id} and name = 'from'`,
      `select region_id from place where name = 'Rome'`,
      `update account set amount = amount + ${serial} where client = ${id} and name = 'to'`,
      `insert into transfer values (${id}, ${serial})`,
      'commit',
    ];
    const replies: WireMessage[] = [];
    if (this.form === 'statement by statement') {
      for (const text of texts) {
        client.send(encodeQuery({ query: text }));
        replies.push(...(await client.until('Z')));
        if (client.isClosed) break;
      }
    } else {
      client.send(...this.messages(texts));
      replies.push(...(await client.until('Z', this.form === 'as queries sent together' ? texts.length : 1)));
    }
    const tags = replies
      .filter(({ type }) => type === 'C')
      .map(({ body }) => body.toString('utf8', 0, body.length - 1));
    const [error] = replies.filter(({ type }) => type === 'E');
    const isWhole =
      tags.join() === `BEGIN,UPDATE 1,SELECT ${romes},UPDATE 1,INSERT 0 1,COMMIT` &&
      firstColumns(replies).length === romes;
    if (isWhole && error === undefined) return true;
    if (tags.length === 0 && errorField(error, 'C') === '57P01') return false;
    throw new Error(`client ${id}, ${this.form}, transaction ${serial}: ${transcript(replies).join(' | ')}`);
  }

  private messages(texts: readonly string[]): readonly Buffer[] {
    switch (this.form) {
      case 'in one query':
        return [encodeQuery({ query: texts.join(';') })];
      case 'as executions before one Sync':
        return [...texts.flatMap(execution), encodeSync()];
      default:
        return texts.map((query) => encodeQuery({ query }));
    }
  }

  /** Each was done, and once; the accounts say so as well. */
  private async expectSerials(count: number): Promise<void> {
    const client = new Client(this.connections.direct);
    await client.connect();
    const { rows } = await client.query<{ state: string }>(
      `select format('%s transfers to %s, %s', count(*), max(serial), (select string_agg(name || ' ' || amount, ', ' order by name) from account where client = $1)) as state
         from transfer where client = $1`,
      [this.id],
    );
    await client.end();
    const sum = (count * (count - 1)) / 2;
    const state = `${count} transfers to ${count === 0 ? '' : count - 1}, from ${sum === 0 ? 0 : -sum}, to ${sum}`;
    if (rows[0]?.state !== state)
      throw new Error(`client ${this.id}, ${this.form}: ${rows[0]?.state}, and should be ${state}`);
  }
}

function execution(query: string): readonly Buffer[] {
  return [
    encodeParse({ statementName: '', query, parameterTypeOids: [] }),
    encodeBind({
      portalName: '',
      statementName: '',
      parameterFormats: [],
      parameters: [],
      resultFormats: [],
    }),
    encodeExecute({ portalName: '', maxRows: 0 }),
  ];
}

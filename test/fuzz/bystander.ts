import { Client } from 'pg';
import type { ConnectionOptions } from '../support/postgres-server';

/** What a bystander asks, again and again. */
const texts = [
  'select id, region_id from reading where value < 40 order by id',
  'select count(*) from reading r, reading s where r.region_id = s.region_id and r.value < 30 and s.value < 20',
  'select region_id, sum(value) from reading where value > 9900 group by 1 order by 1',
  'select current_user, 1 + 1',
];
const withParameter = 'select id from reading where value < $1 and region_id > $2 order by id';

export const readingSchema = `
  create table reading (id int primary key, region_id int not null, value int not null);
  insert into reading select i, i % 100, i * 7919 % 10007 from generate_series(1, 5000) as i;
  analyze reading;
`;

/** How long an answer may take while two cores are busy with everything else. */
const deadlineMs = 20_000;

/** A client with real work, that knows what the answers have to be. */
export class Bystander {
  answers = 0;
  private isStopped = false;

  private constructor(
    private readonly client: Client,
    private readonly expected: ReadonlyMap<string, string>,
  ) {}

  /** @param direct how to reach the server itself, for the right answers */
  static async open(direct: ConnectionOptions, proxyPort: number): Promise<Bystander> {
    const expected = new Map<string, string>();
    const server = new Client(direct);
    await server.connect();
    for (const text of texts) expected.set(text, await ask(server, text));
    for (const value of [10, 100]) expected.set(String(value), await ask(server, withParameter, [value, 3]));
    await server.end();
    const client = new Client({ ...direct, port: proxyPort, query_timeout: deadlineMs });
    await client.connect();
    return new Bystander(client, expected);
  }

  /** Works until `stop`; rejects with the first answer that is wrong, late or missing. */
  async work(): Promise<void> {
    // Whatever ends the connection fails the statement under way, or the next.
    this.client.on('error', () => undefined);
    while (!this.isStopped) await this.round();
    await this.client.end();
  }

  stop(): void {
    this.isStopped = true;
  }

  private async round(): Promise<void> {
    const { client } = this;
    for (const text of texts) await this.check(text, ask(client, text));
    await client.query('begin');
    for (const value of [10, 100])
      await this.check(String(value), ask(client, withParameter, [value, 3], 'readings'));
    await client.query('commit');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  private async check(question: string, answer: Promise<string>): Promise<void> {
    if ((await answer) !== this.expected.get(question))
      throw new Error(`a bystander got a wrong answer to ${question}`);
    this.answers++;
  }
}

async function ask(client: Client, text: string, values?: unknown[], name?: string): Promise<string> {
  const { rows } = await client.query<unknown[]>({
    ...{ text, rowMode: 'array' },
    ...(values === undefined ? {} : { values }),
    ...(name === undefined ? {} : { name }),
  });
  return JSON.stringify(rows);
}

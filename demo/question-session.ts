import { Client, type ClientConfig } from 'pg';
import type { Question } from './questions';

export interface Answer {
  /** Until the last row had arrived, in milliseconds. */
  readonly elapsedMs: number;
  /** Every row as text, sorted: equal arrays are equal multisets. */
  readonly rows: readonly string[];
}

/** A connection that asks questions, to the server itself or through the proxy. */
export class QuestionSession {
  private constructor(
    private readonly client: Client,
    /** The server's process for this session; the same number through the proxy. */
    readonly backendPid: number,
  ) {}

  static async open(options: ClientConfig): Promise<QuestionSession> {
    // Values are compared as the text the server sent, so no parser may round or reformat them.
    const client = new Client({ ...options, types: { getTypeParser: () => (value: string) => value } });
    client.on('error', () => undefined); // the next query fails with the same error, and is awaited
    await client.connect();
    const { rows } = await client.query<{ pid: string }>('select pg_backend_pid() as pid');
    return new QuestionSession(client, Number(rows[0]?.pid));
  }

  async ask(question: Question): Promise<Answer> {
    const start = performance.now();
    const { rows } = await this.client.query({
      text: question.sql,
      rowMode: 'array',
      // A name makes the driver prepare the statement once per session.
      ...(question.parameters === undefined ? {} : { name: question.name, values: [...question.parameters] }),
    });
    const elapsedMs = performance.now() - start;
    return { elapsedMs, rows: rows.map((row) => JSON.stringify(row)).sort() };
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}

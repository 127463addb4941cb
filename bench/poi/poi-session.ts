import { Client, type ClientConfig } from 'pg';

export interface PoiAnswer {
  readonly elapsedMs: number;
  /** As text, sorted: equal for equal rows. */
  readonly rows: string;
  readonly count: number;
}

/** What EXPLAIN (PCACHE) says, as far as it is of interest here. */
export interface PoiExplanation {
  readonly reason: string | undefined;
  /** `inline`, say; undefined if there is no restricted form. */
  readonly method: string | undefined;
  /** Of the tables whose keys are restricted, as `a b`. */
  readonly aliases: string | undefined;
  readonly keysKept: number | undefined;
  readonly allKeys: number | undefined;
  readonly hits: number;
}

/** A client's session, with the server or through the proxy. */
export class PoiSession {
  private readonly names = new Map<string, string>();

  private constructor(private readonly client: Client) {}

  static async open(options: ClientConfig): Promise<PoiSession> {
    const client = new Client(options);
    await client.connect();
    return new PoiSession(client);
  }

  async run(sql: string): Promise<void> {
    await this.client.query(sql);
  }

  /** @param isPrepared whether it is a statement with a name, which is parsed once, as drivers have it for what comes again and again */
  async ask(sql: string, isPrepared = false): Promise<PoiAnswer> {
    const start = performance.now();
    const { rows } = await this.client.query<unknown[]>({
      ...{ text: sql, rowMode: 'array' },
      ...(isPrepared ? { name: this.nameOf(sql) } : {}),
    });
    const elapsedMs = performance.now() - start;
    return {
      elapsedMs,
      rows: rows
        .map((row) => JSON.stringify(row))
        .sort()
        .join('\n'),
      count: rows.length,
    };
  }

  async explain(sql: string, partitionKey: string): Promise<PoiExplanation> {
    const { rows } = await this.client.query<[[{ pcache: Explained }]]>({
      text: `explain (pcache, format json) ${sql}`,
      rowMode: 'array',
    });
    const explained = rows[0]?.[0][0].pcache;
    const keys = (explained?.Blocks ?? []).flatMap(({ Keys }) => Keys);
    const ofKey = keys.filter((each) => each['Partition Key'] === partitionKey);
    const kept = ofKey.flatMap((each) => each['Keys Kept'] ?? []);
    return {
      reason: explained?.Reason,
      method: explained?.Method?.split(', on ')[0],
      aliases: explained?.Method?.split(', on ')[1]?.replaceAll(/\.\w+,?/g, ''),
      keysKept: kept.length === 0 ? undefined : Math.min(...kept),
      allKeys: ofKey[0]?.['All Keys'],
      hits: ofKey.flatMap(({ Fragments }) => Fragments).filter(({ Status }) => Status === 'hit').length,
    };
  }

  private nameOf(sql: string): string {
    const name = this.names.get(sql) ?? `question ${this.names.size + 1}`;
    this.names.set(sql, name);
    return name;
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}

interface Explained {
  readonly Reason?: string;
  readonly Method?: string;
  readonly Blocks: readonly {
    readonly Keys: readonly {
      readonly 'Partition Key': string;
      readonly 'Keys Kept'?: number;
      readonly 'All Keys'?: number;
      readonly Fragments: readonly { readonly Status: string }[];
    }[];
  }[];
}

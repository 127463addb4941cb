import type { EntryDescription } from '../../cache/cache-backend';
import type { ProxyControl } from '../control/proxy-control';
import type { StatementStatistics } from '../statistics/statement-statistics';

/** An option, and where its value is from: default, the file, or the name of a variable or flag. */
export interface ConfigLine {
  readonly option: string;
  readonly value: string | undefined;
}

/** A client's connection. */
export interface ClientFacts {
  /** Of this process, or of all workers together, from 1; none is used again. */
  readonly id: number;
  /** As the client named them; undefined until it has. */
  readonly user: string | undefined;
  readonly database: string | undefined;
  readonly application: string | undefined;
  /** undefined on a unix socket. */
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly isEncrypted: boolean;
  readonly connectedAt: Date;
  /** What it is doing, in a word. */
  readonly state: string;
  /** Its connection to the server, if it has one. */
  readonly server: ServerFacts | undefined;
}

export interface ServerFacts {
  readonly host: string;
  readonly port: number;
  /** Of the process that serves it, as the server announced it. */
  readonly processId: number | undefined;
  readonly isEncrypted: boolean;
}

export interface QueueFacts {
  readonly waiting: number;
  readonly delayed: number;
  readonly running: number;
  readonly dead: number;
  /** In milliseconds. */
  readonly oldestMs?: number;
}

export interface FreshnessFacts {
  /** Changed keys in the change logs; undefined if changes are not tracked. */
  readonly log: { readonly changes: number; readonly oldestMs: number | undefined } | undefined;
  /** Entries of keys that are exact, as of the last look at them; undefined where this process does not look. */
  readonly entries: { readonly entries: number; readonly stale: number } | undefined;
}

/** Entries of a partition key that ended the same way. */
export interface EntryFacts {
  readonly partitionKey: string;
  readonly status: string;
  readonly entries: number;
  readonly keys: number;
  readonly oldestAt: Date;
  readonly newestAt: Date;
  readonly lastUsedAt: Date;
}

/** What there is to know of a configured database. */
export interface DatabaseFacts {
  readonly name: string;
  /** Bytes of key sets at hand. */
  readonly keySetBytes: number;
  readonly trouble: string | undefined;
  readonly entries: () => readonly EntryFacts[];
  /** By tier. Rejects if a queue is out of reach. */
  readonly queues: () => Promise<readonly { readonly tier: string; readonly queue: QueueFacts }[]>;
  readonly freshness: () => Promise<FreshnessFacts>;
  /** Lines, or JSON as one; as for the session that was looked at last. */
  readonly explain: (
    text: string,
    options: { readonly isVerbose: boolean; readonly isJson: boolean },
  ) => Promise<string>;
}

/** What the console shows and steers. */
export interface ConsoleSubjects {
  readonly control: ProxyControl;
  readonly statements: StatementStatistics;
  readonly version: string;
  readonly config: () => readonly ConfigLine[];
  readonly databases: () => readonly DatabaseFacts[];
  /** What is in the cache. Rejects with CacheUnavailableError. */
  readonly fragments: (partitionKey: string | undefined) => AsyncIterable<EntryDescription>;
  /** A fragment's text as it may be shown. */
  readonly shownSql: (sql: string) => string;
  /** The message of a failure likewise. */
  readonly shownError: (error: string | undefined) => string | undefined;
  readonly clients: () => readonly ClientFacts[];
  /** Ends a client's connection with 57P01; false if there is none of that id. */
  readonly kill: (id: number) => boolean | Promise<boolean>;
}

import { type Engine } from '../../src/engine/engine';
import { type ConnectionEnd, type ProxyEvents, type StatementFinished } from '../../src/proxy/proxy-events';
import { ProxyListener, type ProxyListenerOptions } from '../../src/proxy/proxy-listener';
import { poisonReads } from './poisoned-reads';

poisonReads();

/** What a proxy reported, in order. */
export class RecordedEvents implements ProxyEvents {
  opened = 0;
  passed = 0;
  readonly ends: ConnectionEnd[] = [];
  readonly refusals: string[] = [];
  readonly statements: StatementFinished[] = [];
  readonly asks: string[] = [];
  readonly cancels: string[] = [];
  readonly keyTableOutcomes: string[] = [];
  queryTimeouts = 0;
  readonly protocolErrors: string[] = [];
  readonly engineFailures: string[] = [];
  scanningGivenUpCount = 0;

  connectionOpened(): void {
    this.opened++;
  }
  connectionClosed(end: ConnectionEnd): void {
    this.ends.push(end);
  }
  sessionRefused(limit: string): void {
    this.refusals.push(limit);
  }
  statementFinished(event: StatementFinished): void {
    this.statements.push(event);
  }
  statementPassed(): void {
    this.passed++;
  }
  contextAsked(outcome: string): void {
    this.asks.push(outcome);
  }
  keyTables(outcome: string): void {
    this.keyTableOutcomes.push(outcome);
  }
  queryTimedOut(): void {
    this.queryTimeouts++;
  }
  cancelRelayed(outcome: string): void {
    this.cancels.push(outcome);
  }
  protocolError(side: string, sqlState: string): void {
    this.protocolErrors.push(`${side} ${sqlState}`);
  }
  engineFailed(operation: string): void {
    this.engineFailures.push(operation);
  }
  scanningGivenUp(): void {
    this.scanningGivenUpCount++;
  }
}

/** A proxy in this process, what it reported and what it logged. */
export interface RecordedProxy extends AsyncDisposable {
  readonly listener: ProxyListener;
  readonly port: number;
  readonly events: RecordedEvents;
  /** Messages logged at warn or error. */
  readonly complaints: string[];
}

/** Starts a proxy on a free port, for one database with an engine. */
export async function startProxy(
  upstreamPort: number,
  engines: Readonly<Record<string, Engine>>,
  options: Partial<ProxyListenerOptions> = {},
): Promise<RecordedProxy> {
  const events = new RecordedEvents();
  const complaints: string[] = [];
  const complain = (fields: object, message: string): void => {
    const { err } = fields as { readonly err?: Error };
    complaints.push(`${message}: ${err?.message ?? ''}`);
  };
  const listener = new ProxyListener({
    listen: { host: '127.0.0.1', port: 0 },
    upstream: { host: '127.0.0.1', port: upstreamPort },
    engines: new Map(Object.entries(engines)),
    mode: 'on',
    events,
    log: { debug: () => undefined, info: () => undefined, warn: complain, error: complain },
    ...options,
  });
  const { port } = await listener.start();
  return { listener, port, events, complaints, [Symbol.asyncDispose]: () => listener.close() };
}

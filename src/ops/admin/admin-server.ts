import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Endpoint } from '../config/pcache-config';
import type { Log } from '../log/log';
import { waitUntil } from '../../postgres/deadline';
import { listenError } from './listen-error';
import type { ReadinessReport } from './readiness';

export interface AdminServerOptions {
  readonly listen: Endpoint;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly readiness: { report(): Promise<ReadinessReport> };
  readonly log: Log;
}

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** An answer that is late is of no use: Prometheus gives up, and asks again. */
const metricsTimeoutMs = 1_000;

type Page = () => Promise<Reply>;

/**
 * The operator's port: /metrics for Prometheus, /healthz (the process lives), /readyz (clients may be sent here).
 * Reads only, no log-in: it listens where the configuration says, by default for this machine alone.
 */
export class AdminServer implements AsyncDisposable {
  readonly #options: AdminServerOptions;
  readonly #server: Server;
  readonly #pages: ReadonlyMap<string, Page>;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#pages = new Map<string, Page>([
      ['/metrics', () => this.#metrics()],
      ['/healthz', () => Promise.resolve(plain(200, 'ok'))],
      ['/readyz', () => this.#readyz()],
    ]);
    // A client that is slow to ask must not hold a connection for ever.
    this.#server = createServer({ headersTimeout: 5000, requestTimeout: 10_000 }, (request, response) => {
      void this.#answer(request, response);
    });
    this.#server.maxConnections = 100;
  }

  /** Resolves once it listens; rejects with StartError if it cannot. */
  async start(): Promise<AddressInfo> {
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => {
        reject(listenError('admin', { host, port }, error));
      });
      this.#server.listen({ host, port }, resolve);
    });
    this.#server.on('error', (error) => {
      this.#options.log.error({ err: error }, 'admin server');
    });
    return this.#server.address() as AddressInfo;
  }

  /** Stops listening and ends what is open; safe to call more than once. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) =>
      this.#server.close(() => {
        resolve();
      }),
    );
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let reply: Reply;
    try {
      reply = await this.#route(request);
    } catch (error) {
      this.#options.log.error({ err: error, url: request.url }, 'admin request failed');
      reply = plain(500, 'internal error; see the log');
    }
    response.writeHead(reply.status, {
      'content-type': reply.contentType,
      'content-length': Buffer.byteLength(reply.body),
      'cache-control': 'no-store',
      ...(reply.status === 405 ? { allow: 'GET, HEAD' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : reply.body);
  }

  async #route({ url = '', method }: IncomingMessage): Promise<Reply> {
    const [path = ''] = url.split('?');
    const page = this.#pages.get(path);
    if (page === undefined)
      return plain(404, `no such page; there are ${[...this.#pages.keys()].join(', ')}`);
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET and HEAD');
    return page();
  }

  async #metrics(): Promise<Reply> {
    const { metrics } = this.#options;
    const overload = (): Promise<Reply> =>
      Promise.resolve(plain(503, 'the metrics could not be put together in time'));
    const reply = metrics
      .text()
      .then((body): Reply => ({ status: 200, contentType: metrics.contentType, body }));
    return waitUntil(reply, { timeoutMs: metricsTimeoutMs }, overload);
  }

  async #readyz(): Promise<Reply> {
    const report = await this.#options.readiness.report();
    const body = `${JSON.stringify(report)}\n`;
    return { status: report.ready ? 200 : 503, contentType: 'application/json', body };
  }
}

function plain(status: number, text: string): Reply {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` };
}

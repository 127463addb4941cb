import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Endpoint } from '../config/pcache-config';
import type { Log } from '../log/log';
import { descriptorOf, listen } from '../../postgres/listen';
import { waitUntil } from '../../postgres/deadline';
import { AdminAccess, type AdminAccessOptions } from './admin-access';
import { type HttpReply, plainReply } from './http-reply';
import { listenError } from './listen-error';
import { readForm } from './read-form';
import type { ReadinessReport } from './readiness';

export interface AdminServerOptions {
  readonly listen: Endpoint;
  /** A file descriptor that is listened on already, in place of host and port. */
  readonly descriptor?: number | undefined;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly readiness: { report(): Promise<ReadinessReport> };
  /** Default: whoever comes may look, and nobody change anything. */
  readonly access?: AdminAccessOptions;
  /** More to look at, by path. */
  readonly pages?: ReadonlyMap<string, AdminPage>;
  /** By their path. */
  readonly actions?: ReadonlyMap<string, AdminAction>;
  readonly log: Log;
}

/** An answer that is late is of no use: Prometheus gives up, and people go on to something else. */
const answerTimeoutMs = 1_000;

/** Given what stands behind the question mark. */
export type AdminPage = (query: URLSearchParams) => Promise<HttpReply>;

/** Something that changes something, given a form. */
export type AdminAction = (form: URLSearchParams) => Promise<HttpReply>;

/** What load balancers and supervisors ask, who have no token. */
const alwaysOpen: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/**
 * The operator's port: /metrics for Prometheus, /healthz (the process lives), /readyz (clients may be sent here).
 * It listens where the configuration says, by default for this machine alone; who may do what is said in AdminAccess.
 */
export class AdminServer implements AsyncDisposable {
  readonly #options: AdminServerOptions;
  readonly #server: Server;
  readonly #access: AdminAccess;
  readonly #pages: ReadonlyMap<string, AdminPage>;
  readonly #actions: ReadonlyMap<string, AdminAction>;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#access = new AdminAccess(options.access ?? { access: 'open', token: undefined });
    this.#actions = options.actions ?? new Map();
    this.#pages = new Map<string, AdminPage>([
      ['/metrics', inTime(() => this.#metrics())],
      ['/healthz', () => Promise.resolve(plainReply(200, 'ok'))],
      ['/readyz', () => this.#readyz()],
      ...[...(options.pages ?? [])].map(([path, page]): [string, AdminPage] => [path, inTime(page)]),
    ]);
    // A client that is slow to ask must not hold a connection for ever.
    this.#server = createServer({ headersTimeout: 5000, requestTimeout: 10_000 }, (request, response) => {
      void this.#answer(request, response);
    });
    this.#server.maxConnections = 100;
  }

  /** Resolves once it listens; rejects with StartError if it cannot. */
  async start(): Promise<AddressInfo> {
    const { listen: endpoint, descriptor: fd } = this.#options;
    const address = await listen(this.#server, fd === undefined ? endpoint : { fd }).catch(
      (error: unknown) => {
        throw listenError('admin', endpoint, error);
      },
    );
    this.#server.on('error', (error) => {
      this.#options.log.error({ err: error }, 'admin server');
    });
    return address;
  }

  /** The file descriptor it listens on. */
  get descriptor(): number {
    return descriptorOf(this.#server);
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
    let reply: HttpReply;
    try {
      reply = await this.#route(request);
    } catch (error) {
      // Who asked has gone before the whole question was there.
      if (request.destroyed && !request.complete) return;
      this.#options.log.error({ err: error, url: request.url }, 'admin request failed');
      reply = plainReply(500, 'internal error; see the log');
    }
    response.writeHead(reply.status, {
      'content-type': reply.contentType,
      'content-length': Buffer.byteLength(reply.body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      ...reply.headers,
    });
    response.end(request.method === 'HEAD' ? undefined : reply.body);
  }

  async #route(request: IncomingMessage): Promise<HttpReply> {
    const { url = '', method = '' } = request;
    const [path = '', query] = url.split('?');
    const action = this.#actions.get(path);
    if (action !== undefined)
      return method === 'POST'
        ? this.#change(request, action)
        : plainReply(405, 'only POST', { allow: 'POST' });
    const page = this.#pages.get(path);
    if (page === undefined)
      return plainReply(404, `no such page; there are ${[...this.#pages.keys()].join(', ')}`);
    if (method !== 'GET' && method !== 'HEAD')
      return plainReply(405, 'only GET and HEAD', { allow: 'GET, HEAD' });
    const refusal = alwaysOpen.has(path) ? undefined : this.#access.refusalToRead(request);
    return refusal ?? page(new URLSearchParams(query));
  }

  async #change(request: IncomingMessage, action: AdminAction): Promise<HttpReply> {
    const form = await readForm(request);
    if (!(form instanceof URLSearchParams)) return form;
    return this.#access.refusalToChange(request, form) ?? action(form);
  }

  async #metrics(): Promise<HttpReply> {
    const { metrics } = this.#options;
    return { status: 200, contentType: metrics.contentType, body: await metrics.text() };
  }

  async #readyz(): Promise<HttpReply> {
    const report = await this.#options.readiness.report();
    const body = `${JSON.stringify(report)}\n`;
    return { status: report.ready ? 200 : 503, contentType: 'application/json', body };
  }
}

/** The same, or 503 if it takes longer than anybody waits for. */
function inTime(page: AdminPage): AdminPage {
  const overload = (): Promise<HttpReply> =>
    Promise.resolve(plainReply(503, 'this could not be put together in time'));
  return (query) => waitUntil(page(query), { timeoutMs: answerTimeoutMs }, overload);
}

import type { Socket } from 'node:net';
import { ChannelClosedError } from '../../errors/channel-closed-error';
import { StartError } from '../../errors/start-error';
import type { PcacheConfig } from '../../ops/config/pcache-config';
import type { Log } from '../../ops/log/log';
import type { WorkerMetrics } from '../../ops/metrics/worker-metrics';
import { pause, waitUntil } from '../../postgres/deadline';
import { placesForConsoles } from '../../proxy/console/console-door';
import { SessionPlaces } from '../../proxy/entrance/session-places';
import { proxyLimits } from '../create-listener';
import { packConfig } from './packed-config';
import { toOverseer, toWorker } from './worker-messages';
import { pingsInTime, WorkerProcess } from './worker-process';

export interface CrewOptions {
  readonly config: PcacheConfig;
  /** Has a worker that begins find what it may ask for. */
  readonly serve: (worker: WorkerProcess) => void;
  readonly metrics: WorkerMetrics;
  readonly log: Log;
}

/** A worker that lived for longer is replaced at once. */
const soundMs = 10_000;
const firstDelayMs = 100;
const maxDelayMs = 10_000;

/** How long the others may take to say whether a CancelRequest is for them. */
const cancelMs = 5_000;

/** What a worker that drains may take besides the time its sessions have. */
const leaveMs = 8_000;

/**
 * The workers of an overseer: as many as are configured, whatever happens to them. Clients are handed to the one that has the
 * fewest, and wait while there is none.
 */
export class Crew implements AsyncDisposable {
  readonly #places: SessionPlaces;
  readonly #workers = new Map<number, WorkerProcess>();
  /** Clients that no worker has been there for. */
  #waiting: (readonly [client: number, socket: Socket])[] = [];
  #clients = 0;
  #config: PcacheConfig;
  #pings: NodeJS.Timeout | undefined;
  readonly #end = new AbortController();
  readonly #keeping = new Set<Promise<void>>();

  constructor(private readonly options: CrewOptions) {
    const { config } = options;
    this.#config = config;
    this.#places = new SessionPlaces(proxyLimits(config.limits, config.databases));
  }

  /** Those there are at the moment, by their number. */
  get workers(): readonly WorkerProcess[] {
    return [...this.#workers.values()];
  }

  get serving(): readonly WorkerProcess[] {
    return this.workers.filter(({ phase }) => phase === 'serving');
  }

  /** Resolves when all workers take clients; rejects with StartError if one does not come to that. */
  async start(): Promise<void> {
    const ids = Array.from({ length: this.#config.workers }, (_, i) => i + 1);
    const first = ids.map((id) => this.#begin(id));
    const started = Promise.all(first.map((worker) => whenStarted(worker)));
    await waitUntil(started, { timeoutMs: this.#config.limits.successorTimeoutMs }, () =>
      Promise.reject(new StartError('the workers did not begin to serve in time')),
    );
    for (const worker of first) {
      this.#serves(worker);
      this.#keep(worker);
    }
    this.#watch();
  }

  /** Hands over a client nothing of which was read. */
  accept(socket: Socket): void {
    socket.on('error', (error) =>
      this.options.log.debug({ err: error }, 'a client was lost on its way to a worker'),
    );
    this.#hand(++this.#clients, socket);
  }

  /** Has all of them go by another configuration: all, or if one cannot, none, and then it rejects. */
  async follow(config: PcacheConfig): Promise<void> {
    const before = this.#config;
    this.#take(config);
    try {
      await this.#tellAll(config);
    } catch (error) {
      this.#take(before);
      await this.#tellAll(before);
      throw error;
    }
  }

  /** Has all read certificates, user file and catalogs again. */
  refresh(): void {
    for (const { id, channel } of this.workers)
      channel.call(toWorker.refresh).catch((error: unknown) => {
        // That it has ended is told of elsewhere.
        if (error instanceof ChannelClosedError) return;
        this.options.log.error({ err: error, worker: id }, 'a worker could not read its files again');
      });
  }

  /** Has all workers end as `ProxyListener.drain` does; resolves when they have. No client is to be accepted any more. */
  async drain(deadlineMs: number): Promise<void> {
    this.#stop();
    // Ended at once after all, it is not to leave them behind.
    process.once('exit', this.#killNow);
    for (const { channel } of this.workers) channel.tell(toWorker.drain, deadlineMs);
    for (const [, socket] of this.#waiting.splice(0)) socket.destroy();
    await waitUntil(this.#ended(), { timeoutMs: deadlineMs + leaveMs }, () => this.#kill());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#kill();
    process.off('exit', this.#killNow);
    await Promise.all(this.#keeping);
    for (const [, socket] of this.#waiting.splice(0)) socket.destroy();
  }

  #begin(id: number): WorkerProcess {
    const worker = new WorkerProcess(id, (client, socket) => this.#hand(client, socket));
    this.#workers.set(id, worker);
    const { channel } = worker;
    channel.answer(toOverseer.begin, () => Promise.resolve({ worker: id, config: packConfig(this.#config) }));
    channel.answer(toOverseer.admit, async ({ client, startup, isForConsole }) => {
      const connections = this.workers.reduce((sum, { clientCount }) => sum + clientCount, 0);
      const place = this.#places.take(startup, connections - (isForConsole ? placesForConsoles : 0));
      if (place.kind === 'none') return place;
      worker.give(client, place);
      return undefined;
    });
    channel.answer(toOverseer.cancel, (request) => this.#cancel(worker, request));
    this.options.serve(worker);
    return worker;
  }

  #hand(client: number, socket: Socket): void {
    const [first, ...others] = this.serving;
    if (first === undefined) {
      // Who waits has no session yet, and is not to cost more than one.
      if (this.#waiting.length < this.#config.limits.maxSessions) this.#waiting.push([client, socket]);
      else socket.destroy();
      return;
    }
    const idlest = others.reduce((one, other) => (other.clientCount < one.clientCount ? other : one), first);
    idlest.hand(client, socket);
  }

  /** Has another worker take the place of this one whenever it ends. */
  #keep(worker: WorkerProcess): void {
    const keeping = this.#replace(worker).finally(() => this.#keeping.delete(keeping));
    this.#keeping.add(keeping);
  }

  async #replace(first: WorkerProcess): Promise<void> {
    const { log, metrics } = this.options;
    const { signal } = this.#end;
    let worker = first;
    for (let failures = 0; ;) {
      const since = performance.now();
      const how = await worker.whenEnded;
      const { id, clientCount: sessions, processId } = worker;
      const wasAsked = worker.hasLeft;
      const notTaken = worker.takeBack();
      this.#workers.delete(id);
      if (this.#isEnding()) {
        for (const [, socket] of notTaken) socket.destroy();
        return;
      }
      failures = performance.now() - since > soundMs ? 0 : failures + 1;
      const fields = { worker: id, process: processId, how, sessions: sessions - notTaken.length };
      if (wasAsked) log.info(fields, 'a worker has ended, and is replaced');
      else log.error(fields, 'a worker ended, and with it its sessions; it is replaced');
      metrics.restarted();
      for (const [client, socket] of notTaken) this.#hand(client, socket);
      if (failures > 1) await pause(Math.min(firstDelayMs * 2 ** failures, maxDelayMs), signal);
      if (this.#isEnding()) return;
      const next = this.#begin(id);
      void this.#awaitStart(next);
      worker = next;
    }
  }

  /** One that does not come to serve is another one that ends. */
  async #awaitStart(worker: WorkerProcess): Promise<void> {
    const { successorTimeoutMs: timeoutMs } = this.#config.limits;
    const started = Promise.race([worker.whenServing, worker.whenEnded]);
    await waitUntil(started, { timeoutMs }, async () => {
      const fields = { worker: worker.id, process: worker.processId };
      this.options.log.error(fields, 'a worker did not begin to serve in time, and is killed');
      worker.kill();
    });
    if (worker.phase === 'serving') this.#serves(worker);
  }

  #serves({ id, processId }: WorkerProcess): void {
    this.options.log.info({ worker: id, process: processId }, 'the worker serves clients');
    for (const [client, socket] of this.#waiting.splice(0)) this.#hand(client, socket);
  }

  #watch(): void {
    clearInterval(this.#pings);
    this.#pings = setInterval(() => {
      for (const worker of this.workers) {
        if (!worker.isSilent()) continue;
        const fields = { worker: worker.id, process: worker.processId };
        this.options.log.error(fields, 'a worker gives no sign of life, and is killed');
        worker.kill();
      }
    }, this.#config.limits.workerTimeoutMs / pingsInTime);
  }

  #take(config: PcacheConfig): void {
    const { workerTimeoutMs } = this.#config.limits;
    this.#config = config;
    this.#places.change(proxyLimits(config.limits, config.databases));
    if (config.limits.workerTimeoutMs !== workerTimeoutMs) this.#watch();
  }

  /** One that ends meanwhile is replaced by one that goes by it. */
  async #tellAll(config: PcacheConfig): Promise<void> {
    const packed = packConfig(config);
    const results = await Promise.allSettled(
      this.workers.map(({ channel }) => channel.call(toWorker.follow, packed)),
    );
    for (const result of results)
      if (result.status === 'rejected' && !(result.reason instanceof ChannelClosedError)) throw result.reason;
  }

  /** Resolves to true as soon as one of the others has passed the request on. */
  #cancel(asking: WorkerProcess, request: Uint8Array): Promise<boolean> {
    const others = this.workers.filter((worker) => worker !== asking);
    const found = others.map(async ({ channel }) => {
      if (!(await channel.call(toWorker.cancel, request))) throw new Error('it is for no session there');
      return true;
    });
    // What is left then is to send it to the server, which knows it or does not.
    const nobody = (): Promise<boolean> => Promise.resolve(false);
    return waitUntil(Promise.any(found).catch(nobody), { timeoutMs: cancelMs }, nobody);
  }

  #isEnding(): boolean {
    return this.#end.signal.aborted;
  }

  #stop(): void {
    clearInterval(this.#pings);
    this.#end.abort();
  }

  readonly #killNow = (): void => {
    for (const worker of this.workers) worker.kill();
  };

  async #kill(): Promise<void> {
    this.#killNow();
    await this.#ended();
  }

  async #ended(): Promise<void> {
    await Promise.all(this.workers.map(({ whenEnded }) => whenEnded));
  }
}

async function whenStarted(worker: WorkerProcess): Promise<void> {
  const how = await Promise.race([worker.whenServing, worker.whenEnded]);
  if (how === undefined) return;
  throw new StartError(`worker ${worker.id} ended with ${how} before it served; what it said is above`);
}

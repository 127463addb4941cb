import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import type { SessionPlace } from '../../proxy/entrance/session-places';
import { Channel } from './channel';
import { toOverseer, toWorker } from './worker-messages';

/** How a process knows that it is a worker. */
const variable = 'PCACHE_WORKER_OF';

/** Signs of life that are asked for in the time a worker may be silent. */
export const pingsInTime = 3;

interface HandedClient {
  /** Until the worker has it. */
  socket: Socket | undefined;
  place?: SessionPlace;
}

export type WorkerPhase = 'starting' | 'serving' | 'leaving' | 'ended';

/** A worker, seen by its overseer. */
export class WorkerProcess {
  readonly channel: Channel;
  /** Resolves when it has ended, to how. */
  readonly whenEnded: Promise<string>;
  /** Resolves when it takes clients; never, if it ends before. */
  readonly whenServing: Promise<void>;
  readonly #child: ChildProcess;
  readonly #clients = new Map<number, HandedClient>();
  #phase: WorkerPhase = 'starting';
  #hasLeft = false;
  readonly #declined: (client: number, socket: Socket) => void;
  #unanswered = 0;

  constructor(
    /** Of its place: who replaces it has the same. */
    readonly id: number,
    /** A client that it does not take any more. */
    declined: (client: number, socket: Socket) => void,
  ) {
    this.#declined = declined;
    const [, program = '', ...args] = process.argv;
    this.#child = fork(program, args, {
      env: { ...process.env, [variable]: String(process.pid) },
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.channel = new Channel(this.#child);
    this.whenEnded = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#phase = 'ended';
        resolve(error.message);
      });
      this.#child.once('exit', (code, signal) => {
        this.#phase = 'ended';
        resolve(signal ?? `exit code ${code ?? '?'}`);
      });
    });
    this.whenServing = new Promise((resolve) => {
      this.channel.hear(toOverseer.serving, () => {
        if (this.#phase === 'starting') this.#phase = 'serving';
        resolve();
      });
    });
    this.channel.hear(toOverseer.leaving, () => {
      this.#hasLeft = true;
      if (this.#phase !== 'ended') this.#phase = 'leaving';
    });
    this.channel.hear(toOverseer.taken, (client) => {
      const handed = this.#clients.get(client);
      // Ours is closed; the connection is the worker's.
      handed?.socket?.destroy();
      if (handed !== undefined) handed.socket = undefined;
    });
    this.channel.hear(toOverseer.declined, (client) => {
      const handed = this.#clients.get(client);
      this.#clients.delete(client);
      if (handed?.socket !== undefined) this.#declined(client, handed.socket);
    });
    this.channel.hear(toOverseer.gone, (client) => {
      const handed = this.#clients.get(client);
      this.#clients.delete(client);
      handed?.socket?.destroy();
      handed?.place?.[Symbol.dispose]();
    });
  }

  get phase(): WorkerPhase {
    return this.#phase;
  }

  /** Whether it said that it would end. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  get processId(): number | undefined {
    return this.#child.pid;
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** The client is its own once it has taken it; until then it can be given to another one. */
  hand(client: number, socket: Socket): void {
    this.#clients.set(client, { socket });
    this.channel.tell(toWorker.client, client, socket);
  }

  /** The client has a place until it is gone. */
  give(client: number, place: SessionPlace): void {
    const handed = this.#clients.get(client);
    if (handed === undefined) place[Symbol.dispose]();
    else handed.place = place;
  }

  /** To be called when it has ended: frees all places, and returns the clients it has not taken. */
  takeBack(): readonly (readonly [client: number, socket: Socket])[] {
    const all = [...this.#clients];
    this.#clients.clear();
    for (const [, { place }] of all) place?.[Symbol.dispose]();
    return all.flatMap(([client, { socket }]) => (socket === undefined ? [] : [[client, socket] as const]));
  }

  /**
   * Asks for a sign of life; to be called `pingsInTime` times in the time it may be silent. What is counted are questions without an answer, not time, for the
   * overseer itself may have been stopped.
   *
   * @returns whether the last ones were not answered
   */
  isSilent(): boolean {
    if (this.#phase !== 'serving' && this.#phase !== 'leaving') return false;
    if (this.#unanswered >= pingsInTime) return true;
    this.#unanswered++;
    this.channel.call(toWorker.ping).then(
      () => (this.#unanswered = 0),
      // It has ended, which is seen otherwise.
      () => undefined,
    );
    return false;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/**
 * Whether this process is a worker, though its overseer may have been killed by now. The variable that says so is removed, so that no child takes it for
 * its own.
 */
export function isWorker(env: NodeJS.ProcessEnv, { send }: Pick<NodeJS.Process, 'send'>): boolean {
  const isMarked = env[variable] !== undefined;
  Reflect.deleteProperty(env, variable);
  return send !== undefined && isMarked;
}

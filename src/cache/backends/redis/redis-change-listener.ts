import { randomUUID } from 'node:crypto';
import type { CacheWarning } from '../../cache-warning';
import type { RedisConnections } from './redis-connections';

export interface RedisChangeListenerOptions {
  readonly connections: RedisConnections;
  readonly channel: string;
  readonly heard: (message: string) => void;
  /** Changes may not have been heard of. */
  readonly missed: () => void;
  readonly warn: CacheWarning;
}

/** Between two messages to ourselves. One that does not come back means that others may have been lost as well. */
const pulseMs = 2_000;

/**
 * Listens to a channel, and subscribes again whenever the connection was lost. A connection can be lost without a word (a cable, a node
 * of a cluster that has left), so this process also sends itself a message now and then and waits for it to come back.
 */
export class RedisChangeListener implements AsyncDisposable {
  private readonly pulse = `pulse ${randomUUID()}`;
  private timer: NodeJS.Timeout | undefined;
  private isPulseAwaited = false;
  private isInDoubt = false;
  private isStopped = false;

  constructor(private readonly options: RedisChangeListenerOptions) {}

  /** Resolves when it listens; rejects with the error of ioredis. */
  async start(): Promise<void> {
    const { subscriber } = this.options.connections;
    const { channel, heard } = this.options;
    subscriber.on('message', (from: string, message: string) => {
      if (from !== channel) return;
      if (message === this.pulse) this.pulseCame();
      else heard(message);
    });
    await subscriber.subscribe(channel);
    subscriber.on('ready', () => void this.subscribeAgain());
    this.timer = setInterval(() => void this.sendPulse(), pulseMs).unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
  }

  private pulseCame(): void {
    this.isPulseAwaited = false;
    if (!this.isInDoubt) return;
    this.isInDoubt = false;
    this.options.missed();
  }

  private async sendPulse(): Promise<void> {
    const { connections, channel } = this.options;
    if (this.isPulseAwaited) this.isInDoubt = true;
    this.isPulseAwaited = true;
    // After a silence the subscription may be gone, although nobody has said so; again does no harm.
    if (this.isInDoubt) await this.subscribeAgain();
    await connections.client.publish(channel, this.pulse).catch((error: unknown) => this.failed(error));
  }

  private async subscribeAgain(): Promise<void> {
    this.isInDoubt = true;
    const { connections, channel } = this.options;
    await connections.subscriber.subscribe(channel).catch((error: unknown) => {
      this.failed(error);
      // Connected, and no answer: a node of a cluster that hangs while others do not.
      if (!this.isStopped && connections.subscriber.status === 'ready') connections.renewSubscriber();
    });
  }

  private failed(error: unknown): void {
    if (!this.isStopped) this.options.warn('changes of the cache by others are not heard of for now', error);
  }
}

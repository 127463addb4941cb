import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Random } from '../oracle/random';
import { MessageCutter, type Conversation } from './conversation';
import { findTag, type HostileTag } from './hostile-tag';
import { cut, Mutator } from './mutator';
import type { Tally } from './tally';

/**
 * What stands where the proxy expects its server: the real one, for everybody but the hostile conversations, whose answers are
 * spoilt on the way or made up from what was recorded.
 */
export class HostileServer implements AsyncDisposable {
  private readonly sockets = new Set<Socket>();
  private readonly donors: readonly Buffer[];
  private isCutOff = false;

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly realPort: number,
    private readonly conversations: readonly Conversation[],
    private readonly tally: Tally,
  ) {
    this.donors = conversations.flatMap(repliesOf);
    server.on('connection', (socket) => this.accept(socket));
  }

  /** @param tally what is sent to the proxy is counted there */
  static async start(
    realPort: number,
    conversations: readonly Conversation[],
    tally: Tally,
  ): Promise<HostileServer> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return new HostileServer(server, port, realPort, conversations, tally);
  }

  /** Ends all connections as they are, and those that are still on their way. */
  cutOff(): void {
    this.isCutOff = true;
    for (const socket of this.sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cutOff();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(proxy: Socket): void {
    this.own(proxy);
    if (this.isCutOff) {
      proxy.destroy();
      return;
    }
    proxy.once('data', (first: Buffer) => {
      const tag = findTag(first);
      if (tag?.behavior === 'replay') this.replay(proxy, tag);
      else this.relay(proxy, first, tag?.behavior === 'mutate' ? tag : undefined);
    });
  }

  /** Another turn of the recorded server for whatever comes. */
  private replay(proxy: Socket, { seed, index }: HostileTag): void {
    const random = new Random(seed, 5, index);
    const conversation = random.pick(this.conversations);
    const turns = conversation.turns.filter(({ from }) => from === 'backend');
    const mutator = new Mutator(random, this.donors);
    // A login that fails at once says little about what comes behind it.
    const loginRate = random.pick([0, 0, 0.05]);
    const rate = random.pick([0.02, 0.1, 0.4]);
    let turn = 0;
    const answer = (): void => {
      const messages = turns[turn]?.messages ?? [];
      this.send(proxy, mutator, messages, turn === 0 ? loginRate : rate, random);
      if (++turn > turns.length) proxy.end();
    };
    proxy.on('data', answer);
    answer();
  }

  private relay(proxy: Socket, first: Buffer, tag: HostileTag | undefined): void {
    const real = connect({ port: this.realPort, host: '127.0.0.1', noDelay: true });
    this.own(real);
    real.write(first);
    proxy.on('data', (chunk: Buffer) => {
      if (!real.write(chunk)) proxy.pause();
    });
    real.on('drain', () => proxy.resume());
    proxy.on('drain', () => real.resume());
    for (const [one, other] of [
      [proxy, real],
      [real, proxy],
    ] as const) {
      one.on('end', () => other.end());
      one.on('close', () => other.destroy());
    }
    if (tag === undefined) {
      real.on('data', (chunk: Buffer) => {
        if (!proxy.write(chunk)) real.pause();
      });
      return;
    }
    const random = new Random(tag.seed, 6, tag.index);
    const mutator = new Mutator(random, this.donors);
    const cutter = new MessageCutter('backend');
    const rate = random.pick([0.01, 0.05, 0.3]);
    let isLoggedIn = false;
    real.on('data', (chunk: Buffer) => {
      const messages = cutter.feed(chunk);
      this.send(proxy, mutator, messages, isLoggedIn ? rate : 0, random);
      isLoggedIn ||= messages.some((message) => message[0] === readyForQuery);
    });
  }

  private send(
    proxy: Socket,
    mutator: Mutator,
    messages: readonly Buffer[],
    rate: number,
    random: Random,
  ): void {
    const mutated = mutator.mutate(messages, rate);
    this.tally.messages += mutated.messages.length;
    this.tally.mutated += mutated.mutatedCount;
    for (const chunk of cut(Buffer.concat(mutated.messages), random)) proxy.write(chunk);
    if (random.chance(rate / 20)) proxy.destroy();
  }

  private own(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
  }
}

const readyForQuery = 0x5a;

function repliesOf({ turns }: Conversation): readonly Buffer[] {
  return turns.filter(({ from }) => from === 'backend').flatMap(({ messages }) => messages);
}

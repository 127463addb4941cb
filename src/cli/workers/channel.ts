import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { ChannelClosedError } from '../../errors/channel-closed-error';
import { type CrossedError, crossError, reviveError } from './crossed-error';

declare const argumentAndResult: unique symbol;
/** Of something that the other end is asked for, with what is given and what comes back. */
export type CallName<Argument, Result> = string & {
  readonly [argumentAndResult]?: (argument: Argument) => Result;
};
/** Of something that the other end is told. */
export type NewsName<Argument> = string & { readonly [argumentAndResult]?: (argument: Argument) => void };

export const callName = <Argument, Result>(name: string): CallName<Argument, Result> => name;
export const newsName = <Argument>(name: string): NewsName<Argument> => name;

/** The argument, left out where there is none. */
type Given<Argument> = undefined extends Argument ? [argument?: Argument] : [argument: Argument];

/** One end of a channel of node:child_process: a child with `serialization: 'advanced'`, or this process if it is one. */
export type ChannelEnd = ChildProcess | NodeJS.Process;

type Message =
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly argument: unknown }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: CrossedError }
  | { readonly kind: 'news'; readonly name: string; readonly argument: unknown };

interface Pending {
  readonly name: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Taker = (message: Message & { readonly name: string }, handle: Socket | undefined) => void;

/**
 * Calls and news between a worker and its overseer. All that one end sends arrives at the other in that order, calls and news alike; what arrives
 * before there is somebody for it, waits. What is sent is copied (structured clone), but for errors, which arrive as those of their class that
 * callers tell apart (crossed-error.ts).
 */
export class Channel implements Disposable {
  /** Resolves when nothing arrives any more: the other process has ended, or the channel was closed at either end. */
  readonly whenClosed: Promise<void>;
  readonly #pending = new Map<number, Pending>();
  readonly #takers = new Map<string, Taker>();
  readonly #waiting = new Map<string, Parameters<Taker>[]>();
  #calls = 0;
  #isClosed = false;
  #closed: () => void = () => undefined;

  constructor(private readonly end: ChannelEnd) {
    this.whenClosed = new Promise((resolve) => (this.#closed = resolve));
    end.on('message', this.#receive);
    end.on('disconnect', this.#close);
    if (!end.connected) this.#close();
  }

  /** Has calls of this name answered from now on; an answer that rejects rejects the call. */
  answer<Argument, Result>(
    name: CallName<Argument, Result>,
    answer: (argument: Argument) => Promise<Result>,
  ): void {
    this.#take(name, (message) => {
      if (message.kind === 'call') void this.#reply(message.id, () => answer(message.argument as Argument));
    });
  }

  /** Rejects with what the answer rejects with, and with ChannelClosedError if the other end is gone before it has answered. */
  call<Argument, Result>(name: CallName<Argument, Result>, ...[argument]: Given<Argument>): Promise<Result> {
    if (this.#isClosed) return Promise.reject(new ChannelClosedError(name));
    const id = this.#calls++;
    return new Promise<unknown>((resolve, reject) => {
      // What cannot be sent throws, and nothing is pending then.
      this.#send({ kind: 'call', id, name, argument });
      this.#pending.set(id, { name, resolve, reject });
    }) as Promise<Result>;
  }

  /** Has news of this name heard from now on. A handle is the listener's to close; it may have been closed on the way, and be none. */
  hear<Argument>(
    name: NewsName<Argument>,
    listener: (argument: Argument, handle: Socket | undefined) => void,
  ): void {
    this.#take(name, (message, handle) => {
      if (message.kind === 'news') listener(message.argument as Argument, handle);
    });
  }

  /** Lost if the other end is gone. A handle stays open here as well: it is the caller's to close, once the other end says that it has it. */
  tell<Argument>(name: NewsName<Argument>, argument: Argument, handle?: Socket): void {
    if (!this.#isClosed) this.#send({ kind: 'news', name, argument }, handle);
  }

  [Symbol.dispose](): void {
    if (this.end.connected) this.end.disconnect();
    this.#close();
  }

  #take(name: string, taker: Taker): void {
    this.#takers.set(name, taker);
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const [message, handle] of waiting) taker(message, handle);
  }

  async #reply(id: number, answer: () => Promise<unknown>): Promise<void> {
    try {
      const result = await answer();
      if (!this.#isClosed) this.#send({ kind: 'result', id, result });
    } catch (error) {
      if (!this.#isClosed) this.#send({ kind: 'error', id, error: crossError(error) });
    }
  }

  #send(message: Message, handle?: Socket): void {
    // That the other end is gone is told by `disconnect`, which rejects what is pending.
    this.end.send?.(message, handle, { keepOpen: true }, () => undefined);
  }

  readonly #receive = (message: Message, handle: Socket | undefined): void => {
    if (message.kind === 'result' || message.kind === 'error') {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.kind === 'result') pending?.resolve(message.result);
      else pending?.reject(reviveError(message.error));
      return;
    }
    const taker = this.#takers.get(message.name);
    if (taker !== undefined) {
      taker(message, handle);
      return;
    }
    const waiting = this.#waiting.get(message.name) ?? [];
    waiting.push([message, handle]);
    this.#waiting.set(message.name, waiting);
  };

  readonly #close = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.end.off('message', this.#receive);
    this.end.off('disconnect', this.#close);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { name, reject } of pending) reject(new ChannelClosedError(name));
    for (const [, handle] of [...this.#waiting.values()].flat()) handle?.destroy();
    this.#waiting.clear();
    this.#closed();
  };
}

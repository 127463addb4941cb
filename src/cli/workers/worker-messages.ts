import type { NoPlace } from '../../proxy/entrance/session-places';
import type { StartupMessage } from '../../wire/startup/startup-message';
import { callName, newsName } from './channel';
import type { PackedConfig } from './packed-config';

/** What a worker is to do. */
export interface WorkerTask {
  /** From 1. Who takes the place of a worker that ended has its number. */
  readonly worker: number;
  readonly config: PackedConfig;
}

export interface AdmissionRequest {
  readonly client: number;
  readonly startup: StartupMessage | undefined;
  readonly isForConsole: boolean;
}

/** Asked by a worker. */
export const toOverseer = {
  begin: callName<undefined, WorkerTask>('begin'),
  /** A place, which the client has until it is gone. */
  admit: callName<AdmissionRequest, NoPlace | undefined>('admit'),
  /** As ProxyPeers.cancel. */
  cancel: callName<Uint8Array, boolean>('cancel'),
  /** It takes clients from now on. */
  serving: newsName<undefined>('serving'),
  /** It takes no more, and ends when those it has are gone. */
  leaving: newsName<undefined>('leaving'),
  /** The client with this number has arrived. */
  taken: newsName<number>('taken'),
  /** The client with this number has arrived, and is not taken any more. */
  declined: newsName<number>('declined'),
  /** The client with this number is gone. */
  gone: newsName<number>('gone'),
};

/** Asked of a worker. */
export const toWorker = {
  /** A sign of life. */
  ping: callName<undefined, undefined>('ping'),
  /** As ReloadableProxy.follow. */
  follow: callName<PackedConfig, undefined>('follow'),
  /** Certificates, user file and catalogs are to be read again. */
  refresh: callName<undefined, undefined>('refresh'),
  /** As ProxyListener.cancel. */
  cancel: callName<Uint8Array, boolean>('cancel'),
  /** A client, with its number. */
  client: newsName<number>('client'),
  /** Its sessions have as many milliseconds to end, and then it does. */
  drain: newsName<number>('drain'),
};

import { SerialQueue } from '../cache/serial-queue';
import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import type { Invalidation } from '../cache/invalidation';
import type { PcacheConfig } from '../ops/config/pcache-config';
import { renewSecrets } from '../ops/config/renewed-secrets';
import type {
  ConfiguredMode,
  ModeInForce,
  PopulationState,
  ProxyControl,
  ReloadOutcome,
} from '../ops/control/proxy-control';
import type { Log } from '../ops/log/log';
import type { OperatorSettings } from './handover/operator-settings';
import { type FollowedConfig, type ReloadableProxy, Reloader } from './reloader';
import type { RunningDatabases } from './running-databases';

/** What a running proxy is steered by. All lent. */
export interface SteeredParts {
  readonly databases: RunningDatabases;
  /** Takes what concerns sessions; whole, or not at all, and then it throws or rejects. */
  readonly listener: { follow(config: PcacheConfig): void | Promise<void> };
  /** Certificates and the user file. */
  readonly files: readonly { reload(): void }[];
  readonly followed: FollowedConfig | undefined;
  /** Of the process that this one succeeds. */
  readonly settings?: OperatorSettings | undefined;
  readonly log: Log;
}

/** What an operator, or a changed configuration file, has a running proxy do: one step after the other. */
export class Steering implements ProxyControl, ReloadableProxy {
  readonly #steps = new SerialQueue();
  readonly #reloader: Reloader;
  #isSucceeded = false;
  /** By an operator; undefined: as configured. */
  #setMode: ConfiguredMode | undefined;

  constructor(
    private readonly parts: SteeredParts,
    private configured: PcacheConfig,
  ) {
    this.#reloader = new Reloader(this, parts.followed, parts.log);
    if (parts.settings !== undefined) this.#goOnWith(parts.settings);
  }

  /** The configuration in force. */
  get config(): PcacheConfig {
    return this.#setMode === undefined ? this.configured : withMode(this.configured, this.#setMode);
  }

  get mode(): ModeInForce {
    const configured = modeOf(this.configured);
    return { mode: this.#setMode ?? configured, isSet: this.#setMode !== undefined, configured };
  }

  setMode(mode: ConfiguredMode | undefined): Promise<void> {
    return this.#run(async () => {
      const { config: before, mode: modeBefore } = this;
      const setBefore = this.#setMode;
      this.#setMode = mode;
      if (this.mode.mode === modeBefore.mode) return;
      try {
        await this.#replace(before, true);
      } catch (error) {
        this.#setMode = setBefore;
        throw error;
      }
      this.parts.log.warn({ before: modeBefore.mode, ...this.mode }, 'the mode was changed by an operator');
    });
  }

  /** What a successor goes on with. */
  get settings(): OperatorSettings {
    const { isPopulationPaused } = this.parts.databases;
    return { mode: this.#setMode, configured: modeOf(this.configured), isPopulationPaused };
  }

  get population(): PopulationState {
    return this.parts.databases.population;
  }

  pausePopulation(): Promise<void> {
    return this.#run(async () => {
      this.parts.databases.pausePopulation();
      this.parts.log.info({}, 'population is paused by an operator');
    });
  }

  resumePopulation(): Promise<void> {
    return this.#run(async () => {
      this.parts.databases.resumePopulation();
      this.parts.log.info({}, 'population is resumed by an operator');
    });
  }

  /** Not while databases are replaced: what runs fragments then could not be told to begin anew. */
  invalidate(invalidation: Invalidation, signal?: AbortSignal): Promise<number> {
    return this.#run(async () => {
      const entries = await this.parts.databases.invalidate(invalidation, signal);
      this.parts.log.info({ ...invalidation, entries }, 'entries were removed by an operator');
      return entries;
    });
  }

  reload(): Promise<ReloadOutcome> {
    return this.#reloader.reload();
  }

  follow(after: PcacheConfig, withDatabases: boolean): Promise<void> {
    return this.#run(async () => {
      const { configured: before, config: inForce } = this;
      this.configured = after;
      try {
        await this.#replace(inForce, withDatabases);
      } catch (error) {
        this.configured = before;
        throw error;
      }
      renewSecrets(before, after);
    });
  }

  /** As RunningProxy has it. */
  handOver(step: () => Promise<boolean>): Promise<void> {
    return this.#steps.run(async () => {
      this.#isSucceeded = await step();
    });
  }

  /** A mode that was written into the file since is the later word. */
  #goOnWith({ mode, configured: before, isPopulationPaused }: OperatorSettings): void {
    const { databases, log } = this.parts;
    const configured = modeOf(this.configured);
    if (isPopulationPaused) {
      databases.pausePopulation();
      log.info({}, 'population stays paused, as an operator had it before');
    }
    if (mode === undefined) return;
    if (configured === before) {
      this.#setMode = mode;
      log.info({ mode, configured }, 'the mode stays as an operator had set it before');
    } else {
      const fields = { set: mode, before, configured };
      log.warn(fields, 'another mode is configured by now than when an operator set one, which is given up');
    }
  }

  async #replace(before: PcacheConfig, withDatabases: boolean): Promise<void> {
    const { databases, listener } = this.parts;
    if (withDatabases) await databases.replace(before, this.config);
    try {
      await listener.follow(this.config);
    } catch (error) {
      if (withDatabases) await databases.replace(this.config, before);
      throw error;
    }
  }

  reloadFiles(): void {
    for (const file of this.parts.files) file.reload();
  }

  refreshCatalogs(): void {
    for (const engine of this.parts.databases.engines.values()) engine.catalogChanged();
  }

  /** What a successor holds by now is not to be opened once more. */
  #run<T>(step: () => Promise<T>): Promise<T> {
    return this.#steps.run(() => {
      if (this.#isSucceeded)
        throw new CacheUnavailableError('cache', 'a successor has it now; connect again');
      return step();
    });
  }
}

function modeOf({ mode, verification }: PcacheConfig): ConfiguredMode {
  return verification === undefined ? mode : 'verify';
}

function withMode(config: PcacheConfig, mode: ConfiguredMode): PcacheConfig {
  return mode === 'verify'
    ? { ...config, mode: 'on', verification: config.verify }
    : { ...config, mode, verification: undefined };
}

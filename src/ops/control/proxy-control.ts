import type { Invalidation } from '../../cache/invalidation';
import type { ConfigChange } from '../config/config-changes';
import type { proxyModes } from '../config/config-schema';

/** As in the configuration. */
export type ConfiguredMode = (typeof proxyModes)[number];

/** What came of a reload. refused: nothing of it is in force, for these reasons. */
export type ReloadOutcome =
  | { readonly status: 'applied'; readonly changes: readonly ConfigChange[] }
  | { readonly status: 'refused'; readonly problems: readonly string[] };

export interface ModeInForce {
  readonly mode: ConfiguredMode;
  /** Whether an operator has set it; then it holds until it is given back to the configuration, or the proxy ends; a successor goes on with it. */
  readonly isSet: boolean;
  /** What the configuration says. */
  readonly configured: ConfiguredMode;
}

/** Of this process. elsewhere: others run fragments, see `population.run_by`; or there is nothing to run. */
export type PopulationState = 'running' | 'paused' | 'elsewhere';

/** What an operator can have a running proxy do, by whatever way: the console, the page, a signal. */
export interface ProxyControl {
  readonly mode: ModeInForce;
  /**
   * For sessions that are open as well, but for those that began while it was off: they are only relayed. Rejects, with the old mode in
   * force, if what another one takes cannot be had.
   *
   * @param mode undefined: what the configuration says
   */
  setMode(mode: ConfiguredMode | undefined): Promise<void>;

  readonly population: PopulationState;
  /** No fragment is begun by this process until `resumePopulation`, whatever is reloaded meanwhile; what runs is finished. */
  pausePopulation(): Promise<void>;
  resumePopulation(): Promise<void>;

  /**
   * Removes entries from the cache, for all who share it, and resolves to their number. A fragment that this process is running meanwhile is
   * begun anew afterwards, so that nothing older than this is stored by it. Rejects with CacheUnavailableError, or the signal's reason.
   */
  invalidate(invalidation: Invalidation, signal?: AbortSignal): Promise<number>;

  /** As SIGHUP: the configuration, certificates, user file and catalogs are read again. Never rejects. */
  reload(): Promise<ReloadOutcome>;
}

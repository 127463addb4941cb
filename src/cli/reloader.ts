import { ConfigError } from '../errors/config-error';
import { messageOf } from '../errors/message-of';
import {
  changesThatNeedRestart,
  type ConfigChange,
  concernsDatabases,
  configChanges,
} from '../ops/config/config-changes';
import type { ConfigFile } from '../ops/config/config-schema';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { RunningProxy } from './compose';

/** A configuration under the names of its file, and as the program works with it. */
export interface LoadedConfig {
  readonly file: ConfigFile;
  readonly config: PcacheConfig;
}

/** What came of a reload. refused: nothing of it is in force, for these reasons. */
export type ReloadOutcome =
  | { readonly status: 'applied'; readonly changes: readonly ConfigChange[] }
  | { readonly status: 'refused'; readonly problems: readonly string[] };

/** Has a running proxy follow its configuration file: whole, or not at all. */
export class Reloader {
  #underWay: Promise<ReloadOutcome> | undefined;

  /**
   * @param read throws ConfigError with all that is wrong, or another error
   * @param loaded what the proxy was started with
   */
  constructor(
    private readonly proxy: Pick<RunningProxy, 'reload' | 'reloadFiles' | 'refreshCatalogs'>,
    private readonly read: () => LoadedConfig,
    private loaded: LoadedConfig,
    private readonly log: Log,
  ) {}

  /** The configuration in force. */
  get config(): PcacheConfig {
    return this.loaded.config;
  }

  /** Reads the configuration again, then certificates, user file and catalogs. Never rejects. Asked for again meanwhile, it is read once more afterwards. */
  reload(): Promise<ReloadOutcome> {
    const before = this.#underWay ?? Promise.resolve();
    const reloading = before.then(() => this.#reload());
    this.#underWay = reloading;
    return reloading;
  }

  async #reload(): Promise<ReloadOutcome> {
    const outcome = await this.#follow();
    if (outcome.status === 'refused') {
      this.log.error({ problems: outcome.problems }, 'the configuration is not reloaded; the old one stays');
      return outcome;
    }
    for (const change of outcome.changes) this.log.info(change, 'option changed');
    this.log.info({ changes: outcome.changes.length }, 'configuration reloaded');
    this.proxy.reloadFiles();
    this.proxy.refreshCatalogs();
    return outcome;
  }

  async #follow(): Promise<ReloadOutcome> {
    const { file: before } = this.loaded;
    let next: LoadedConfig;
    try {
      next = this.read();
    } catch (error) {
      return { status: 'refused', problems: problemsOf(error) };
    }
    const fixed = changesThatNeedRestart(before, next.file);
    if (fixed.length > 0)
      return {
        status: 'refused',
        problems: fixed.map(({ option }) => `${option}: cannot be changed while the proxy runs; restart it`),
      };
    const changes = configChanges(before, next.file);
    try {
      if (changes.length > 0) await this.proxy.reload(next.config, concernsDatabases(before, next.file));
    } catch (error) {
      return { status: 'refused', problems: [messageOf(error)] };
    }
    this.loaded = next;
    return { status: 'applied', changes };
  }
}

function problemsOf(error: unknown): readonly string[] {
  if (!(error instanceof ConfigError)) return [messageOf(error)];
  return error.problems.map(({ path, message }) => `${path}: ${message}`);
}

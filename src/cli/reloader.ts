import { SerialQueue } from '../cache/serial-queue';
import { ConfigError } from '../errors/config-error';
import { messageOf } from '../errors/message-of';
import { changesThatNeedRestart, concernsDatabases, configChanges } from '../ops/config/config-changes';
import type { ConfigFile } from '../ops/config/config-schema';
import type { PcacheConfig } from '../ops/config/pcache-config';
import { renewedSecrets } from '../ops/config/renewed-secrets';
import type { ReloadOutcome } from '../ops/control/proxy-control';
import type { Log } from '../ops/log/log';

/** A configuration under the names of its file, and as the program works with it. */
export interface LoadedConfig {
  readonly file: ConfigFile;
  readonly config: PcacheConfig;
}

/** What can be read again of a running proxy. */
export interface ReloadableProxy {
  /**
   * Has another configuration take over but for what is read at the start (see changesThatNeedRestart): whole, or if its databases cannot be had, not at all, and
   * then it rejects. Sessions that are open go on.
   *
   * @param withDatabases whether anything differs that engines and population work by
   */
  follow(config: PcacheConfig, withDatabases: boolean): Promise<void>;
  /** Reads the certificate shown to clients and the user file again; sessions that are open keep what they have. */
  reloadFiles(): void;
  /** Reads the catalog of every database again. */
  refreshCatalogs(): void;
}

/** A configuration file that a proxy follows. */
export interface FollowedConfig {
  /** Reads it; throws ConfigError with all that is wrong, or another error. */
  readonly read: () => LoadedConfig;
  /** What the proxy was started with. */
  readonly loaded: LoadedConfig;
  /** Takes what concerns the process besides the proxy. */
  readonly followed: (config: PcacheConfig) => void;
}

/** Has a running proxy follow its configuration file: whole, or not at all. */
export class Reloader {
  readonly #reloads = new SerialQueue();
  /** One that has read nothing yet: whoever asks now gets what comes of it. */
  #waiting: Promise<ReloadOutcome> | undefined;
  #loaded: LoadedConfig | undefined;

  /** @param followed undefined if there is no file to follow: then only certificates, user file and catalogs are read again */
  constructor(
    private readonly proxy: ReloadableProxy,
    private readonly followed: FollowedConfig | undefined,
    private readonly log: Log,
  ) {
    this.#loaded = followed?.loaded;
  }

  /** Reads the configuration again, then certificates, user file and catalogs. Never rejects. However often it is asked for meanwhile, it is read once more afterwards. */
  reload(): Promise<ReloadOutcome> {
    this.#waiting ??= this.#reloads.run(() => {
      this.#waiting = undefined;
      return this.#reload();
    });
    return this.#waiting;
  }

  async #reload(): Promise<ReloadOutcome> {
    const outcome = await this.#follow();
    if (outcome.status === 'refused') {
      this.log.error({ problems: outcome.problems }, 'the configuration is not reloaded; the old one stays');
      return outcome;
    }
    for (const change of outcome.changes) this.log.info(change, 'option changed');
    if (this.followed !== undefined)
      this.log.info({ changes: outcome.changes.length }, 'configuration reloaded');
    this.proxy.reloadFiles();
    this.proxy.refreshCatalogs();
    return outcome;
  }

  async #follow(): Promise<ReloadOutcome> {
    const { followed } = this;
    if (followed === undefined || this.#loaded === undefined) return { status: 'applied', changes: [] };
    const { file: before, config } = this.#loaded;
    let next: LoadedConfig;
    try {
      next = followed.read();
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
    const secrets = renewedSecrets(config, next.config);
    try {
      if (changes.length + secrets.length > 0)
        await this.proxy.follow(next.config, concernsDatabases(before, next.file));
    } catch (error) {
      return { status: 'refused', problems: [messageOf(error)] };
    }
    for (const { place, isFollowed } of secrets) {
      if (isFollowed) this.log.info({ place }, 'the password, or token, is another one from now on');
      else this.log.warn({ place }, 'the password is another one, which is read at the start only');
    }
    this.#loaded = next;
    followed.followed(next.config);
    return { status: 'applied', changes };
  }
}

function problemsOf(error: unknown): readonly string[] {
  if (!(error instanceof ConfigError)) return [messageOf(error)];
  return error.problems.map(({ path, message }) => `${path}: ${message}`);
}

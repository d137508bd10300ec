/**
 * The machine config that the node runs with, and its changes over the API.
 *
 *   state     event                          next
 *   none      begin (found on the disk)      settled
 *   settled   apply: NO_REBOOT               settled, with the new config
 *   settled   apply: TRY                     trying: the new config runs, the old one is kept
 *   trying    apply: NO_REBOOT               settled: nothing is taken back
 *   trying    apply: TRY                     trying, as long again; what was before the first try is what is gone back to
 *   trying    time is up                     settled, with the config from before
 *   any       apply: STAGED, REBOOT          the same: what is stored counts from the next boot on
 */
import { errorMessage, TalosError } from '../base/errors.js';
import { formatDuration, MINUTE_MS } from '../base/units.js';
import { ControlError } from '../control/errors.js';
import { needingReboot } from './config-plan.js';
import { type LoadedConfig, loadConfig } from './load-config.js';

export type ApplyMode = 'AUTO' | 'NO_REBOOT' | 'REBOOT' | 'STAGED' | 'TRY';

export interface ApplyRequest {
  text: string;
  mode: ApplyMode;
  /** Only says what would happen. */
  isDryRun: boolean;
  /** 0: the default. */
  tryTimeoutMs: number;
  /** Who asks, for the log. */
  caller: string;
}

export interface ApplyResult {
  /** Never AUTO. */
  mode: ApplyMode;
  /** For people; may have several lines. */
  details: string;
  warnings: string[];
}

export interface ConfigKeeperOptions {
  /** Makes the config the node's, as far as that goes without a reboot; gives a sentence for each thing that did not work. */
  activate(next: LoadedConfig, before: LoadedConfig | undefined): Promise<string[]>;
  /** For the next boot. Rejects with a sentence. */
  store(text: string): Promise<void>;
  /** For a machined that is started again within this boot. */
  remember(text: string): Promise<void>;
  /** Another one is in force. */
  changed(): void;
  /** Does not wait for it. */
  reboot(reason: string): void;
  /** To the log, and the console. */
  notice(text: string): void;
  /** Calls back after so long, unless it is cancelled by what this returns; the clock's own by default. */
  after?(delayMs: number, callback: () => void): () => void;
}

const DEFAULT_TRY_MS = MINUTE_MS;
const MAX_TRY_MS = 60 * MINUTE_MS;
/** Changed fields that the log names. */
const MAX_LOGGED = 20;

const SAID: Record<ApplyMode, string> = {
  AUTO: '',
  NO_REBOOT: 'applied without a reboot',
  REBOOT: 'stored, and the node reboots with it',
  STAGED: 'stored for the next boot',
  TRY: 'applied for a try',
};

export class ConfigKeeper {
  private current: LoadedConfig | undefined;
  private trying: { before: LoadedConfig; cancel: () => void } | undefined;
  private work: Promise<unknown> | undefined;

  constructor(private readonly options: ConfigKeeperOptions) {}

  /** @throws ControlError FAILED_PRECONDITION  there is none yet */
  get running(): LoadedConfig {
    if (this.current) return this.current;
    throw new ControlError('FAILED_PRECONDITION', 'this node has no machine config yet');
  }

  /** The config that was found at the start. */
  async begin(config: LoadedConfig): Promise<string[]> {
    const problems = await this.options.activate(config, undefined);
    this.current = config;
    return problems;
  }

  /**
   * @throws ControlError  INVALID_ARGUMENT the config, with all of its problems · FAILED_PRECONDITION another one is being applied, the mode
   *   does not suffice, or it cannot be stored and would have to be
   */
  async apply(request: ApplyRequest): Promise<ApplyResult> {
    if (this.work)
      throw new ControlError('FAILED_PRECONDITION', 'another configuration is being applied: wait for its end');
    return this.exclusively(() => this.applyNow(request));
  }

  private async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const promise = work();
    this.work = promise;
    try {
      return await promise;
    } finally {
      this.work = undefined;
    }
  }

  private async applyNow(request: ApplyRequest): Promise<ApplyResult> {
    const { running } = this;
    const tryMs = tryDuration(request.tryTimeoutMs);
    const next = load(request.text);
    // Comparing takes a library that no boot needs.
    const { compareConfigs } = await import('../config/compare.js');
    const { paths, diff } = compareConfigs(running.documents, next.documents);
    const blocked = needingReboot(paths);
    const mode = request.mode === 'AUTO' ? (blocked.length === 0 ? 'NO_REBOOT' : 'REBOOT') : request.mode;
    if (blocked.length > 0 && (mode === 'NO_REBOOT' || mode === 'TRY')) {
      throw new ControlError(
        'FAILED_PRECONDITION',
        `these parts need a reboot: ${blocked.join(', ')}; apply the config with mode auto, reboot or staged`,
      );
    }
    const said =
      mode === 'TRY' ? `${SAID.TRY}, taken back after ${formatDuration(tryMs)} unless applied again` : SAID[mode];
    if (request.isDryRun) {
      return {
        mode,
        details: `dry run, nothing was changed; without it: ${said}\n\n${diff || 'no changes\n'}`,
        warnings: next.warnings,
      };
    }
    const warnings = [...next.warnings, ...(await this.carryOut(mode, next, tryMs))];
    const changed = paths.length === 0 ? 'no changes' : `changed: ${listed(paths)}`;
    this.options.notice(`machine config of ${request.caller}: ${said}; ${changed}`);
    if (mode === 'REBOOT') this.options.reboot(`a machine config of ${request.caller}`);
    return { mode, details: paths.length === 0 ? `${said}; there are no changes` : said, warnings };
  }

  /** @returns warnings */
  private async carryOut(mode: ApplyMode, next: LoadedConfig, tryMs: number): Promise<string[]> {
    if (mode === 'REBOOT' || mode === 'STAGED') {
      await this.options.store(next.text).catch((error) => {
        throw new ControlError('FAILED_PRECONDITION', `the config cannot be stored: ${errorMessage(error)}`, {
          cause: error,
        });
      });
      return [];
    }
    const { running } = this;
    const warnings: string[] = [];
    if (mode === 'NO_REBOOT') {
      await this.options.store(next.text).catch((error) => {
        warnings.push(`the config is lost at the next reboot, since it could not be stored: ${errorMessage(error)}`);
      });
    }
    const before = this.trying?.before ?? running;
    this.trying?.cancel();
    this.trying = undefined;
    warnings.push(...(await this.options.activate(next, running)));
    this.current = next;
    this.options.changed();
    if (mode === 'TRY')
      this.trying = { before, cancel: (this.options.after ?? after)(tryMs, () => void this.goBack()) };
    else await this.options.remember(next.text);
    return warnings;
  }

  /** Time is up; an apply that is under way comes first, and may be what was waited for. */
  private async goBack(): Promise<void> {
    const { trying } = this;
    while (this.work) await this.work.catch(() => {});
    if (!trying || this.trying !== trying) return;
    this.trying = undefined;
    const problems = await this.exclusively(async () => {
      const found = await this.options.activate(trying.before, this.current);
      this.current = trying.before;
      this.options.changed();
      return found;
    });
    for (const text of ['the machine config that was tried is taken back', ...problems]) this.options.notice(text);
  }
}

function after(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}

function load(text: string): LoadedConfig {
  try {
    return loadConfig(text);
  } catch (error) {
    if (!(error instanceof TalosError)) throw error;
    throw new ControlError('INVALID_ARGUMENT', error.message, { cause: error });
  }
}

function tryDuration(tryTimeoutMs: number): number {
  if (tryTimeoutMs === 0) return DEFAULT_TRY_MS;
  if (tryTimeoutMs > 0 && tryTimeoutMs <= MAX_TRY_MS) return tryTimeoutMs;
  throw new ControlError(
    'INVALID_ARGUMENT',
    `the time for a try must be above 0 and at most ${formatDuration(MAX_TRY_MS)}`,
  );
}

function listed(paths: readonly string[]): string {
  const more = paths.length > MAX_LOGGED ? ` and ${paths.length - MAX_LOGGED} more` : '';
  return paths.slice(0, MAX_LOGGED).join(', ') + more;
}

import { formatPath, isMapping, type OptionPath } from '../config/option-path';
import type { ConfigFile } from '../config/config-schema';
import type { ConfiguredMode } from '../control/proxy-control';
import type { ConfigLine } from './console-subjects';

/** Every option that has a value, defaults included. A configuration only says where secrets are. */
export function configLines(options: ConfigFile, modeInForce: ConfiguredMode): readonly ConfigLine[] {
  return [...linesBelow([], { ...options, mode: modeInForce })];
}

function* linesBelow(path: OptionPath, value: unknown): Generator<ConfigLine> {
  if (isMapping(value))
    for (const [key, below] of Object.entries(value)) yield* linesBelow([...path, key], below);
  else if (value !== undefined)
    yield { option: formatPath(path), value: typeof value === 'string' ? value : JSON.stringify(value) };
}

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseScript, printScript, type WireScript } from './script';

const directory = join(__dirname, '..', '..', 'e2e', 'scripts');
const extension = '.wire';

/** The major versions of PostgreSQL the scripts are recorded from. */
export const recordedVersions = ['15', '18'] as const;
export type RecordedVersion = (typeof recordedVersions)[number];

/** The names of all scripts, sorted. */
export function scriptNames(): string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(extension))
    .map((file) => file.slice(0, -extension.length))
    .sort();
}

export function readScript(name: string): WireScript {
  const file = fileOf(name);
  try {
    return parseScript(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${name}${extension} is no wire script`, { cause: error });
  }
}

/** Writes down what a version answered; what the others have answered stays. */
export function recordAnswers(
  name: string,
  version: RecordedVersion,
  answers: readonly (readonly string[])[],
): void {
  const script = readScript(name);
  const merged = script.steps.map(({ expected }, index) => {
    const byVersion = new Map<string, readonly string[]>();
    for (const other of recordedVersions) {
      const lines = other === version ? answers[index] : (expected.get(other) ?? expected.get(''));
      if (lines !== undefined) byVersion.set(other, lines);
    }
    return byVersion;
  });
  writeFileSync(fileOf(name), printScript(script, merged));
}

function fileOf(name: string): string {
  return join(directory, `${name}${extension}`);
}

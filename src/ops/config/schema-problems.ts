import type { z } from 'zod';
import { describePlace } from './config-options';
import { nearestName } from './nearest-name';
import { formatPath, valueAt, type OptionPath, type OptionProblem } from './option-path';

/** Turns what zod found into one sentence for each place: what was expected there, and what stands there. */
export function describeIssues(data: unknown, issues: readonly z.core.$ZodIssue[]): OptionProblem[] {
  const problems = issues.flatMap((issue): OptionProblem[] => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownOption(path, key));
    return [wrongValue(path, valueAt(data, path))];
  });
  // A value can break two rules, as a whole number does that is too large to be exact; the sentence is the same.
  return [...new Map(problems.map((problem) => [formatPath(problem.path), problem])).values()];
}

function wrongValue(path: OptionPath, value: unknown): OptionProblem {
  const expects = describePlace(path)?.expects ?? 'something else';
  return value === undefined
    ? { path, message: `is required: expected ${expects}` }
    : { path, message: `expected ${expects}, got ${show(value)}${meant(value, expects)}` };
}

/** The nearest of the values that are named, if it is near. */
function meant(value: unknown, expects: string): string {
  const known = [...expects.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name);
  const nearest = typeof value === 'string' ? nearestName(value, known) : undefined;
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

/** What people write because other programs have it, and what to write here. */
const otherwise: ReadonlyMap<string, string> = new Map([
  ['password', 'passwords do not stand in the configuration; use password_env or password_file'],
  ['token', 'tokens do not stand in the configuration; use token_env or token_file'],
]);

function unknownOption(path: OptionPath, key: string): OptionProblem {
  const known = describePlace(path)?.knownKeys ?? [];
  const nearest = nearestName(key, known);
  const advice =
    otherwise.get(key) ??
    (nearest === undefined ? `known here: ${known.join(', ')}` : `did you mean ${nearest}?`);
  return { path: [...path, key], message: `unknown option; ${advice}` };
}

/** A value in few characters. */
function show(value: unknown): string {
  if (value === null) return 'nothing';
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

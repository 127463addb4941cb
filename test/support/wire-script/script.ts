/**
 * A conversation with the server, as text (conventions, "wire scripts"): what is sent, which message ends the answer, and
 * the answer, which is recorded from PostgreSQL and never written by hand.
 *
 *     # What may go wrong here.
 *     learn {"query": "select …", "parameters": ["7"], "parameterTypeOids": [23]}
 *
 *     send
 *     Parse {"statementName": "s", "query": "select 1/total from orders"}
 *     Sync
 *     ----
 *     until ReadyForQuery
 *     ----
 *     ParseComplete
 *     ReadyForQuery {"transactionStatus": "idle"}
 *
 * `send other` speaks in another session than the first, `until ReadyForQuery 3` waits for the third, `until closed` for
 * the end of the connection, `until byte` for the one-byte answer to SSLRequest. Where versions answer differently, each
 * has a block of its own under `---- 15`, `---- 18`. `proxy-only 08P01 why` allows the proxy one error more. `leave-out CopyData`
 * compares no messages of these names: what they say, or when they come, is another every time. `only 18 why` is held with that version.
 */
export interface WireScript {
  /** The comment, without its marks. */
  readonly hazard: string;
  /** Statements the engine knows all of before the conversation is held in mode `on`; at least one must be restricted. */
  readonly learn: readonly LearnedStatement[];
  /** A FATAL error of the proxy's own, where the server closes the connection in silence: its SQLSTATE, and why. */
  readonly proxyOnly?: string;
  /** The version it can be held with, if not with all, and why. */
  readonly only?: string;
  /** Names of messages that are not compared. */
  readonly leaveOut: readonly string[];
  readonly steps: readonly ScriptStep[];
}

export interface LearnedStatement {
  readonly query: string;
  readonly parameters?: readonly string[];
  readonly parameterTypeOids?: readonly number[];
}

export interface ScriptStep {
  readonly session: string;
  /** Lines as in the file, one message each. */
  readonly send: readonly string[];
  readonly until: string;
  readonly count: number;
  /** By major version of the server, or '' for all. Empty in a script that was not recorded yet. */
  readonly expected: ReadonlyMap<string, readonly string[]>;
}

export const firstSession = 'first';

/** Throws, with the line, on anything that is not such a script. */
export function parseScript(text: string): WireScript {
  const hazard: string[] = [];
  const learn: LearnedStatement[] = [];
  const leaveOut: string[] = [];
  const steps: ScriptStep[] = [];
  let proxyOnly: string | undefined;
  let only: string | undefined;
  let lines: string[] | undefined;
  let step: { session: string; send: string[]; until: string; count: number } | undefined;
  let expected = new Map<string, string[]>();
  text.split('\n').forEach((line, index) => {
    const fail = (reason: string): never => {
      throw new Error(`line ${index + 1}: ${reason}: ${line}`);
    };
    if (line === '') return;
    const separator = /^----(?: (\d+))?$/.exec(line);
    const send = /^send(?: (\w+))?$/.exec(line);
    const until = /^until (\w+)(?: (\d+))?$/.exec(line);
    if (send) {
      lines = [];
      expected = new Map();
      step = { session: send[1] ?? firstSession, send: lines, until: '', count: 1 };
    } else if (step === undefined) {
      if (line.startsWith('# ')) hazard.push(line.slice(2));
      else if (line.startsWith('learn ')) learn.push(JSON.parse(line.slice(6)) as LearnedStatement);
      else if (line.startsWith('leave-out ')) leaveOut.push(...line.slice(10).split(' '));
      else if (line.startsWith('only ')) only = line.slice(5);
      else if (line.startsWith('proxy-only ')) proxyOnly = line.slice(11);
      else fail('neither comment, learn nor send');
    } else if (until && step.until === '') {
      step.until = until[1] ?? '';
      step.count = Number(until[2] ?? 1);
      steps.push({ ...step, expected });
      lines = undefined;
    } else if (separator) {
      lines = undefined;
      if (step.until === '') return;
      lines = [];
      expected.set(separator[1] ?? '', lines);
    } else if (lines === undefined) fail('unexpected');
    else lines.push(line);
  });
  if (hazard.length === 0) throw new Error('a script says in a comment what may go wrong');
  if (steps.length === 0) throw new Error('a script sends something');
  return {
    hazard: hazard.join(' '),
    learn,
    leaveOut,
    steps,
    ...(only === undefined ? {} : { only }),
    ...(proxyOnly === undefined ? {} : { proxyOnly }),
  };
}

/** The text of a script, with the answers it was given: per step, by major version. */
export function printScript(
  script: WireScript,
  answers: readonly ReadonlyMap<string, readonly string[]>[],
): string {
  const parts = [
    wrap(script.hazard)
      .map((line) => `# ${line}`)
      .join('\n'),
  ];
  if (script.learn.length > 0)
    parts.push(script.learn.map((statement) => `learn ${JSON.stringify(statement)}`).join('\n'));
  if (script.proxyOnly !== undefined) parts.push(`proxy-only ${script.proxyOnly}`);
  if (script.only !== undefined) parts.push(`only ${script.only}`);
  if (script.leaveOut.length > 0) parts.push(`leave-out ${script.leaveOut.join(' ')}`);
  script.steps.forEach((step, index) => {
    const lines = [
      step.session === firstSession ? 'send' : `send ${step.session}`,
      ...step.send,
      '----',
      step.count === 1 ? `until ${step.until}` : `until ${step.until} ${step.count}`,
    ];
    for (const [version, answer] of merged(answers[index] ?? new Map()))
      lines.push(version === '' ? '----' : `---- ${version}`, ...answer);
    parts.push(lines.join('\n'));
  });
  return `${parts.join('\n\n')}\n`;
}

/** One block if all versions agree. */
function merged(answers: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const [first, ...others] = [...answers.values()];
  if (first === undefined || others.some((lines) => lines.join('\n') !== first.join('\n'))) return answers;
  return new Map([['', first]]);
}

function wrap(text: string, width = 116): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

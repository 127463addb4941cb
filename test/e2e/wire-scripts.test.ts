import type { TrackedKey } from '../../src/engine/database-engine';
import type { BoundParameters } from '../../src/engine/engine';
import { EngineHarness } from '../support/engine-harness';
import { hasPostgresBinaries, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { until } from '../support/until';
import { converse, describeAnswer, shorten, type Conversation } from '../support/wire-script/converse';
import type { LearnedStatement } from '../support/wire-script/script';
import { scriptDatabase as database, startScriptServer } from '../support/wire-script/script-server';
import {
  readScript,
  recordAnswers,
  scriptNames,
  type RecordedVersion,
} from '../support/wire-script/scripts-directory';

/**
 * The conversations in `scripts/`, held with PostgreSQL itself and through the proxy in every mode: the answers have to be
 * equal, down to the source lines in error messages. What PostgreSQL says is recorded in the scripts, with
 *
 *     RECORD=1 npx jest test/e2e/wire-scripts
 */
const isRecording = process.env['RECORD'] === '1';

/** A message by itself for every byte takes time; longer conversations are not held like that. */
const mostDribbledBytes = 1_500;

const city: TrackedKey = {
  name: 'city',
  datatype: 'integer',
  maxKeyShare: 1,
  tables: new Map([['public.place', 'city_id']]),
};

const versions: readonly (readonly [RecordedVersion, 'debian15' | 'embedded'])[] = [
  ['15', 'debian15'],
  ['18', 'embedded'],
];

describe.each(versions)('wire scripts, PostgreSQL %s', (version, binaries) => {
  const isThere = hasPostgresBinaries(binaries);
  let server: PostgresServer;
  let harness: EngineHarness;
  const proxies = new Map<'off' | 'observe' | 'on', RecordedProxy>();

  beforeAll(async () => {
    if (!isThere) return;
    server = await startScriptServer(binaries);
    harness = await EngineHarness.open(server.connectionOptions(database), [city]);
    for (const mode of ['off', 'observe', 'on'] as const)
      proxies.set(mode, await startProxy(server.port, { [database]: harness.engine }, { mode }));
  });

  afterAll(async () => {
    for (const proxy of proxies.values()) await proxy[Symbol.asyncDispose]();
    await harness?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  const names = scriptNames().filter((name) => readScript(name).only?.startsWith(version) !== false);
  (isThere ? test : test.skip).each(names)('%s', async (name) => {
    const { steps, learn, leaveOut, proxyOnly } = readScript(name);
    const kept = (described: readonly string[]): string[] =>
      described.filter((line) => !leaveOut.includes(line.split(' ')[0] ?? ''));
    const hold = (port: number, isDribbled = false): Promise<Conversation> =>
      converse(steps, { port, user: server.user, database, isDribbled });

    const direct = await hold(server.port);
    const recorded = direct.answers.map((answer) => shorten(kept(describeAnswer(answer, 'recorded'))));
    if (isRecording) recordAnswers(name, version, recorded);
    else
      expect(recorded).toEqual(steps.map(({ expected }) => expected.get(version) ?? expected.get('') ?? []));

    for (const [mode, proxy] of proxies) {
      proxy.events.statements.length = 0;
      proxy.events.engineFailures.length = 0;
      proxy.events.scanningGivenUpCount = 0;
      if (mode === 'on') for (const statement of learn) await makeKnown(statement);
      expect([mode, ...lines(await hold(proxy.port), kept, proxyOnly)]).toEqual([
        mode,
        ...lines(direct, kept),
      ]);
      if (mode === 'on' && learn.length > 0) {
        const restricted = proxy.events.statements.filter(({ plan }) => plan === 'rewrite');
        expect(restricted.length).toBeGreaterThanOrEqual(learn.length);
      }
      if (mode !== 'off' && direct.sentBytes <= mostDribbledBytes) {
        expect([`${mode}, byte by byte`, ...lines(await hold(proxy.port, true), kept, proxyOnly)]).toEqual([
          `${mode}, byte by byte`,
          ...lines(direct, kept),
        ]);
      }
      expect(proxy.events.engineFailures).toEqual([]);
      expect(proxy.events.scanningGivenUpCount).toBe(0);
    }
  });

  /** Everything that came, with what the recorded answers leave out. */
  function lines(
    { answers, leftOver }: Conversation,
    kept: (described: readonly string[]) => string[],
    proxyOnly?: string,
  ): string[] {
    const said = answers.flatMap((answer, index) => [
      `step ${index + 1}`,
      ...shorten(kept(describeAnswer(answer, 'full'))),
    ]);
    const all = [...said, 'left over', ...kept(describeAnswer(leftOver, 'full'))];
    return proxyOnly === undefined ? all : all.filter((line) => !isProxysOwn(line, proxyOnly));
  }

  /** An error the server has not written: it would say which of its routines did. */
  function isProxysOwn(line: string, proxyOnly: string): boolean {
    const sqlState = proxyOnly.slice(0, 5);
    return line.includes(`"severity":"FATAL","sqlState":"${sqlState}"`) && !line.includes('"routine"');
  }

  /** Sees to it that the statement is restricted the next time. */
  async function makeKnown({ query, parameters, parameterTypeOids }: LearnedStatement): Promise<void> {
    const bound: BoundParameters | undefined =
      parameters === undefined
        ? undefined
        : {
            declaredOids: parameterTypeOids ?? [],
            formats: [],
            values: parameters.map((parameter) => Buffer.from(parameter)),
          };
    let last = '';
    await until(
      `a restriction of ${query}`,
      async () => {
        await harness.learn(query, bound, 'note');
        const plan = await harness.plan(query, bound);
        last = plan.kind === 'forward' ? plan.reason : plan.kind;
        return plan.kind === 'rewrite';
      },
      { deadlineMs: 5_000 },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)} (${last})`);
    });
  }
});

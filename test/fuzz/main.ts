import { runFuzz } from './fuzz-run';

const defaults = { messages: 10_000_000, seconds: 3_600 };

/** `npm run fuzz`; resolves to the exit code. */
export async function runMain(environment: NodeJS.ProcessEnv): Promise<number> {
  const numberIn = (name: string): number | undefined => {
    const value = environment[name] ?? '';
    if (value === '') return undefined;
    if (!/^\d{1,10}$/.test(value)) throw new Error(`${name} is not a number: ${value}`);
    return Number(value);
  };
  // A fault is told by its bytes or its seed; millions of traces take their time.
  Error.stackTraceLimit = 0;
  const faults = await runFuzz(
    {
      seed: numberIn('FUZZ_SEED') ?? Math.floor(Math.random() * 2 ** 31),
      messages: numberIn('FUZZ_MESSAGES') ?? defaults.messages,
      seconds: numberIn('FUZZ_SECONDS') ?? defaults.seconds,
      ...(environment['FUZZ_PARTS'] ? { parts: environment['FUZZ_PARTS'].split(',') } : {}),
    },
    (line) => console.log(line),
  );
  for (const fault of faults) console.error(`FAULT ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

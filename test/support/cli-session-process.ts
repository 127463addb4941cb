import { runCli } from '../../src/cli/run-cli';

type Stream = 'stdout' | 'stderr';

/** The other side of cli-session.ts: runs one command after the other, and tells what each has written. */
process.on('message', (args: readonly string[]) => {
  const written = { stdout: '', stderr: '' };
  const original = { stdout: process.stdout.write, stderr: process.stderr.write };
  for (const name of ['stdout', 'stderr'] satisfies Stream[])
    process[name].write = (text: string | Uint8Array): boolean => {
      written[name] += typeof text === 'string' ? text : Buffer.from(text).toString();
      return true;
    };
  void runCli(args).then((code) => {
    process.stdout.write = original.stdout;
    process.stderr.write = original.stderr;
    process.send?.({ code, ...written });
  });
});
process.on('disconnect', () => process.exit());

import yargs from 'yargs';
import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import { ConfigError } from '../errors/config-error';
import { ControlConnectionError } from '../errors/control-connection-error';
import { ControlQueryError } from '../errors/control-query-error';
import { DatatypeMismatchError } from '../errors/datatype-mismatch-error';
import { ExportFileError } from '../errors/export-file-error';
import { NewerSchemaError } from '../errors/newer-schema-error';
import { QueueUnavailableError } from '../errors/queue-unavailable-error';
import { StartError } from '../errors/start-error';
import { TransferIncompleteError } from '../errors/transfer-incomplete-error';
import { addCommand } from './add/add';
import { configCommand } from './config';
import { evictionCommand } from './eviction/eviction';
import { ExitCode } from './exit-code';
import { explainCommand } from './explain/explain';
import { getCommand } from './get/get';
import { initCommand } from './init/init';
import { manageCommand } from './manage/manage';
import { observerCommand } from './observer/observer';
import { processorCommand } from './processor/processor';
import { proxyCommand } from './proxy';
import { trackCommand } from './track/track';
import { UsageError } from './usage-error';
import { isAboutArguments, withHint } from './usage-hint';
import { readVersion } from './version';
import { warmCommand } from './warm/warm';
import { completionCommand } from './completion';

/** Runs the command line and resolves, when its command is over, to what the process is to end with. */
export async function runCli(args: readonly string[]): Promise<ExitCode> {
  try {
    await program(args).parseAsync();
    return ExitCode.Done;
  } catch (error) {
    return explain(await withUsageHint(error, args));
  }
}

function program(args: readonly string[]) {
  return (
    yargs([...args])
      .scriptName('pcache')
      .usage(
        '$0 COMMAND\n\nA PostgreSQL proxy that lets PostgreSQL read only the partitions that can answer a query.',
      )
      .command(proxyCommand)
      .command(observerCommand)
      .command(addCommand)
      .command(getCommand)
      .command(explainCommand)
      .command(warmCommand)
      .command(initCommand)
      .command(configCommand)
      .command(manageCommand)
      .command(trackCommand)
      .command(evictionCommand)
      .command(processorCommand)
      .command(completionCommand)
      .example('$0 proxy --config pcache.yaml', 'start the proxy')
      .example('$0 config check --config pcache.yaml', 'check a configuration, for instance before a restart')
      .example('$0 completion >> ~/.bashrc', 'complete with the tab key, in bash or zsh')
      .demandCommand(1, 'name a command, such as proxy')
      // What would be taken for a path of options (--listen.port) is to be refused, not to make an object.
      .parserConfiguration({ 'dot-notation': false, 'parse-numbers': false, 'boolean-negation': false })
      .strict()
      .check(refuseRepeated)
      .version(readVersion())
      .help()
      .wrap(process.stdout.isTTY ? Math.min(110, process.stdout.columns) : 110)
      .exitProcess(false)
      .fail(refuse)
  );
}

/** Options that may be given several times. */
const lists = new Set([
  ...['set', 'set-session', 'add-constraint', 'remove-constraints-all', 'remove-constraints-add', '_'],
]);

/** yargs makes an array of what is given twice, whatever its type is said to be. */
function refuseRepeated(argv: Readonly<Record<string, unknown>>): true {
  for (const [name, value] of Object.entries(argv))
    if (Array.isArray(value) && /^[a-z-]{2,}$/.test(name) && !lists.has(name))
      throw new UsageError(`--${name} stands there ${value.length} times; give it once`);
  return true;
}

/** Says which options there are to whoever gave one that there is not. */
async function withUsageHint(error: unknown, args: readonly string[]): Promise<unknown> {
  if (!(error instanceof UsageError)) return error;
  const { message } = error;
  const firstOption = args.findIndex((arg) => arg.startsWith('-'));
  const words = firstOption === -1 ? args : args.slice(0, firstOption);
  const help = isAboutArguments(message) ? await program(words).getHelp() : '';
  return new UsageError(withHint(message, help));
}

/** yargs has a message for what is wrong with the command line, and none for what a command throws. */
function refuse(message: string | null, error: Error): never {
  throw message === null ? error : new UsageError(message);
}

/** Tells on standard error what went wrong: a sentence for what is the user's to mend, a stack for what is ours. */
function explain(error: unknown): ExitCode {
  if (error instanceof ConfigError) {
    process.stderr.write(`pcache: the configuration cannot be used\n${error.message}\n`);
    return ExitCode.Usage;
  }
  if (error instanceof UsageError) {
    process.stderr.write(`pcache: ${error.message}\nSee pcache --help.\n`);
    return ExitCode.Usage;
  }
  if (error instanceof NewerSchemaError) {
    process.stderr.write(`pcache: ${error.message}\n`);
    return ExitCode.NewerSchema;
  }
  if (isOutsideTrouble(error)) {
    process.stderr.write(`pcache: ${error.message}\n`);
    return ExitCode.Failed;
  }
  process.stderr.write(`pcache: unexpected error, please report it\n${describe(error)}\n`);
  return ExitCode.Failed;
}

/** What is not in order is outside this program, and the message says what. */
function isOutsideTrouble(error: unknown): error is Error {
  return [
    StartError,
    CacheUnavailableError,
    ControlConnectionError,
    ControlQueryError,
    DatatypeMismatchError,
    ExportFileError,
    QueueUnavailableError,
    TransferIncompleteError,
  ].some((kind) => error instanceof kind);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

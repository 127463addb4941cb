import { Channel } from '../../../src/cli/workers/channel';
import { commandsOver } from '../../../src/cli/workers/console-calls';
import { installationCalls } from '../../../src/cli/workers/installation';
import { Metrics } from '../../../src/ops/metrics/metrics';
import { cancelNow, countOne, runCommand } from './looked-at-names';

/** As far as a worker is looked at, and has its overseer do commands. */
const channel = new Channel(process);
const metrics = new Metrics({ version: '1' });
const elsewhere = commandsOver(channel);
let stop = new AbortController();

channel.answer(installationCalls.report, async ({ isThorough }) => ({
  ...(await metrics.report(isThorough)),
  databases: [{ name: 'places', keySetBytes: 7, trouble: 'none is at hand' }],
  clients: [],
}));
channel.answer(installationCalls.kill, async (id) => id === 1);
channel.answer(countOne, async () => {
  metrics.proxy.connectionOpened();
  return undefined;
});
channel.answer(runCommand, async (text) => {
  stop = new AbortController();
  return elsewhere(text, stop.signal);
});
channel.answer(cancelNow, async () => {
  stop.abort();
  return undefined;
});
void channel.whenClosed.then(() => process.exit());

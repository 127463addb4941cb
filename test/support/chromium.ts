import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { temporaryDirectory, type TemporaryDirectory } from './temporary-directory';

/** Debian's; it is started without the shell script around it, which wants a desktop. */
const program = '/usr/lib/chromium/chromium';

export const chromiumProblem = existsSync(program) ? undefined : "Debian's chromium is not installed";

export interface Look {
  readonly width: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly hasScript?: boolean;
}

type Answer = Record<string, unknown>;

/** Headless Chromium, told what to do over a pipe: https://chromedevtools.github.io/devtools-protocol/ */
export class Chromium implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #directory: TemporaryDirectory;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >();
  readonly #listeners = new Set<(method: string, parameters: Answer, session: string | undefined) => void>();
  #lastId = 0;
  #text = '';

  private constructor(directory: TemporaryDirectory) {
    this.#directory = directory;
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--hide-scrollbars',
    ];
    const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update'];
    this.#child = spawn(
      program,
      [...flags, ...quiet, `--user-data-dir=${directory.path}`, '--remote-debugging-pipe', 'about:blank'],
      // The pipe is where the protocol has it: it reads 3 and writes 4.
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    (this.#child.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.#child.once('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`Chromium has ended with ${code}`));
    });
  }

  static async start(): Promise<Chromium> {
    const chromium = new Chromium(await temporaryDirectory('chromium'));
    await chromium.send('Browser.getVersion');
    return chromium;
  }

  /** Opens a page in a window of its own; resolves when it is loaded. */
  async open(url: string, look: Look): Promise<ChromiumPage> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new ChromiumPage(this, String(sessionId), String(targetId));
    await page.prepare(look);
    await page.go(url);
    return page;
  }

  async send(method: string, params: object = {}, sessionId?: string): Promise<Answer> {
    const id = ++this.#lastId;
    const answer = new Promise<Answer>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    const session = sessionId === undefined ? {} : { sessionId };
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return answer;
  }

  listen(listener: (method: string, parameters: Answer, session: string | undefined) => void): void {
    this.#listeners.add(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    await this.#directory[Symbol.asyncDispose]();
  }

  #read(text: string): void {
    const messages = (this.#text + text).split('\0');
    this.#text = messages.pop() ?? '';
    for (const message of messages) this.#take(JSON.parse(message) as Answer);
  }

  #take({ id, method, params, result, error, sessionId }: Answer): void {
    if (typeof method === 'string')
      for (const listener of this.#listeners)
        listener(method, params as Answer, sessionId as string | undefined);
    const waiting = this.#waiting.get(Number(id));
    this.#waiting.delete(Number(id));
    if (error === undefined) waiting?.resolve(result as Answer);
    else waiting?.reject(new Error(JSON.stringify(error)));
  }
}

/** One page. */
export class ChromiumPage {
  /** What the browser complained of: errors of scripts, and what the page's policy forbids. */
  readonly complaints: string[] = [];
  #loaded: () => void = () => undefined;

  constructor(
    private readonly chromium: Chromium,
    private readonly session: string,
    private readonly target: string,
  ) {
    chromium.listen((method, parameters, of) => {
      if (of !== session) return;
      if (method === 'Page.loadEventFired') this.#loaded();
      if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded')
        this.complaints.push(JSON.stringify(parameters));
    });
  }

  async prepare({ width, height = 900, scheme = 'light', hasScript = true }: Look): Promise<void> {
    for (const domain of ['Page', 'Runtime', 'Log']) await this.#send(`${domain}.enable`);
    const metrics = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.#send('Emulation.setDeviceMetricsOverride', metrics);
    await this.#send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    });
    await this.#send('Emulation.setScriptExecutionDisabled', { value: !hasScript });
  }

  async go(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => (this.#loaded = resolve));
    const { errorText } = await this.#send('Page.navigate', { url });
    if (errorText !== undefined) throw new Error(`${url}: ${JSON.stringify(errorText)}`);
    await loaded;
  }

  /** Runs what leads to another page; resolves when that is loaded. */
  async submit(expression: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => (this.#loaded = resolve));
    await this.evaluate(expression);
    await loaded;
  }

  /** The value of an expression, awaited. */
  async evaluate(expression: string): Promise<unknown> {
    const parameters = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', parameters);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as Answer)['value'];
  }

  /** The whole page as PNG, also what is below the window. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.#send('Page.captureScreenshot', { captureBeyondViewport: true });
    return Buffer.from(String(data), 'base64');
  }

  async close(): Promise<void> {
    await this.chromium.send('Target.closeTarget', { targetId: this.target });
  }

  #send(method: string, parameters: object = {}): Promise<Answer> {
    return this.chromium.send(method, parameters, this.session);
  }
}

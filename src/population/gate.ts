import { setMaxListeners } from 'node:events';

/** Work goes through while it is open. Open at first. */
export class Gate {
  #shutting = manyListeners(new AbortController());
  #shut: { readonly opened: Promise<void>; readonly open: () => void } | undefined;

  get isShut(): boolean {
    return this.#shut !== undefined;
  }

  /** Aborted when the gate is shut: to stop waiting for work that could not be done then. Ask anew after each opening. */
  get shutSignal(): AbortSignal {
    return this.#shutting.signal;
  }

  shut(): void {
    if (this.#shut !== undefined) return;
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#shut = { opened, open };
    this.#shutting.abort();
  }

  open(): void {
    if (this.#shut === undefined) return;
    this.#shutting = manyListeners(new AbortController());
    this.#shut.open();
    this.#shut = undefined;
  }

  /** Resolves at once while it is open, else when it is opened. */
  async pass(): Promise<void> {
    await this.#shut?.opened;
  }
}

/** Each worker listens; without this Node takes more than ten for a leak and says so. */
function manyListeners(controller: AbortController): AbortController {
  setMaxListeners(0, controller.signal);
  return controller;
}

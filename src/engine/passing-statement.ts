import type { InspectedStatement } from './engine';

/** A text the engine has no interest in. It is only looked into when somebody asks what it leaves behind. */
export class PassingStatement implements InspectedStatement {
  readonly isCandidate = false;
  #leavesContextAlone: boolean | undefined;

  /** @param judge whether a text is known to leave the context alone */
  constructor(
    readonly text: string,
    private readonly judge: (text: string) => boolean,
  ) {}

  get leavesContextAlone(): boolean {
    this.#leavesContextAlone ??= this.judge(this.text);
    return this.#leavesContextAlone;
  }
}

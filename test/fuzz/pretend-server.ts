import { encodeCommandComplete } from '../../src/wire/backend/command-complete';
import { encodeDataRow } from '../../src/wire/backend/data-row';
import { encodeResponseFields } from '../../src/wire/backend/response-fields';
import { encodeReadyForQuery } from '../../src/wire/backend/ready-for-query';
import { encodeRowDescription } from '../../src/wire/backend/row-description';
import { BackendCode, FrontendCode } from '../../src/wire/message-code';
import { encodeMessage } from '../../src/wire/message-writer';
import type { Random } from '../oracle/random';

const empty = (code: BackendCode): Buffer => encodeMessage(code);
const copyResponse = Buffer.from([0, 0, 0]);
const error = encodeResponseFields({
  kind: 'ErrorResponse',
  fields: new Map([
    ['S', 'ERROR'],
    ['C', '22012'],
    ['M', 'division by zero'],
    ['P', '40'],
  ]),
});
const row = encodeDataRow({ values: [Buffer.from('public, pg_temp'), null] });
const columns = encodeRowDescription({ columns: [] });

/**
 * A peer that answers messages in the shape the protocol has for the answers, and with whatever: it is there to bring a session into
 * every state it knows, from which its answers are then spoilt. It stands for no server; what is right is not asked of it.
 */
export class PretendServer {
  private isSkipping = false;
  private isCopying = false;

  constructor(private readonly random: Random) {}

  /** The answer to one message. */
  answer(message: Buffer): Buffer[] {
    const { random } = this;
    const code = message[0];
    if (this.isSkipping && code !== FrontendCode.Sync) return [];
    switch (code) {
      case FrontendCode.Query:
        return this.query(/\bcopy\b/i.test(message.toString('latin1', 5, 40)));
      case FrontendCode.Parse:
        return this.orError(empty(BackendCode.ParseComplete));
      case FrontendCode.Bind:
        return this.orError(empty(BackendCode.BindComplete));
      case FrontendCode.Describe:
        return this.orError(random.chance(0.5) ? empty(BackendCode.NoData) : columns);
      case FrontendCode.Execute:
        return this.orError(...this.rows(), this.end());
      case FrontendCode.Close:
        return [empty(BackendCode.CloseComplete)];
      case FrontendCode.FunctionCall:
        return [
          encodeMessage(BackendCode.FunctionCallResponse, Buffer.from([255, 255, 255, 255])),
          this.ready(),
        ];
      case FrontendCode.Sync:
        if (this.isCopying) return [];
        this.isSkipping = false;
        return [this.ready()];
      case FrontendCode.CopyDone:
      case FrontendCode.CopyFail:
        if (!this.isCopying) return [];
        this.isCopying = false;
        return [encodeCommandComplete({ tag: 'COPY 1' }), this.ready()];
      default:
        return [];
    }
  }

  private query(isCopy: boolean): Buffer[] {
    const { random } = this;
    const kind = random.int(0, 9);
    if (isCopy && kind < 5) {
      this.isCopying = true;
      return [encodeMessage(BackendCode.CopyInResponse, copyResponse)];
    }
    if (kind === 1) return [error, this.ready()];
    if (kind === 2) return [empty(BackendCode.EmptyQueryResponse), this.ready()];
    if (kind === 3)
      return [
        encodeMessage(BackendCode.CopyOutResponse, copyResponse),
        encodeMessage(BackendCode.CopyData, Buffer.from('1\n')),
        empty(BackendCode.CopyDone),
        encodeCommandComplete({ tag: 'COPY 1' }),
        this.ready(),
      ];
    return [columns, ...this.rows(), this.end(), this.ready()];
  }

  private rows(): Buffer[] {
    return new Array<Buffer>(this.random.int(0, 4)).fill(row);
  }

  private end(): Buffer {
    const tag = this.random.pick([
      'SELECT 1',
      'SET',
      'BEGIN',
      'COMMIT',
      'ROLLBACK',
      'CREATE TABLE',
      'INSERT 0 1',
    ]);
    return this.random.chance(0.05) ? empty(BackendCode.PortalSuspended) : encodeCommandComplete({ tag });
  }

  private orError(...messages: Buffer[]): Buffer[] {
    if (this.random.chance(0.9)) return messages;
    this.isSkipping = true;
    return [error];
  }

  private ready(): Buffer {
    return encodeReadyForQuery({
      transactionStatus: this.random.pick(['idle', 'idle', 'inTransaction', 'failed']),
    });
  }
}

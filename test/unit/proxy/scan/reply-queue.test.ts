import { Owed, ReplyQueue } from '../../../../src/proxy/scan/reply-queue';
import { BackendCode } from '../../../../src/wire/message-code';

const codes: Readonly<Record<string, number>> = {
  1: BackendCode.ParseComplete,
  2: BackendCode.BindComplete,
  3: BackendCode.CloseComplete,
  T: BackendCode.RowDescription,
  t: BackendCode.ParameterDescription,
  n: BackendCode.NoData,
  D: BackendCode.DataRow,
  C: BackendCode.CommandComplete,
  I: BackendCode.EmptyQueryResponse,
  s: BackendCode.PortalSuspended,
  G: BackendCode.CopyInResponse,
  H: BackendCode.CopyOutResponse,
  d: BackendCode.CopyData,
  c: BackendCode.CopyDone,
  V: BackendCode.FunctionCallResponse,
  E: BackendCode.ErrorResponse,
  Z: BackendCode.ReadyForQuery,
};

const kinds: Readonly<Record<string, Owed>> = {
  Q: Owed.Query,
  P: Owed.Parse,
  B: Owed.Bind,
  D: Owed.Describe,
  E: Owed.Execute,
  C: Owed.Close,
  S: Owed.Sync,
  F: Owed.FunctionCall,
  c: Owed.CopyEnd,
};

/**
 * Plays a conversation and returns whom each reply was for: `c`lient, `p`roxy or `m`ismatch. Left of a colon messages are
 * sent (by their letter; behind an underscore: hidden), right of it replies come.
 */
function play(script: string, queue = new ReplyQueue<string>(() => undefined)): string {
  let audiences = '';
  for (const turn of script.split(' ')) {
    const [sent = '', received = ''] = turn.split(':');
    for (const [, hidden, letter = ''] of sent.matchAll(/(_?)([A-Za-z])/g)) {
      queue.push(kinds[letter] ?? Owed.None, turn, hidden === '_');
    }
    for (const letter of received) audiences += queue.settle(codes[letter] ?? 0).slice(0, 1);
  }
  return audiences;
}

describe('ReplyQueue', () => {
  test.each([
    ['a query with rows', 'Q:TDDCZ', 'ccccc'],
    ['several statements in a query', 'Q:TDCCIZ', 'cccccc'],
    ['queries without waiting', 'QQQ:CZ :EZ :CZ', 'cccccc'],
    ['an extended query', 'PBDES:12TDCZ', 'cccccc'],
    ['a described statement', 'PDS:1tTZ PDS:1tnZ', 'cccccccc'],
    ['a portal in parts', 'BES:2DsZ ES:DCZ', 'ccccccc'],
    ['an empty statement', 'PBES:12IZ', 'cccc'],
    ['COPY out', 'Q:HddcCZ BES:2HdcCZ', 'cccccc' + 'cccccc'],
    ['a function call', 'F:VZ FQ:EZ :CZ', 'cccccc'],
    ['hidden messages among the client’s', 'P_PB_CDES:112' + '3TDCZ', 'cpcpcccc'],
    ['a hidden exchange', '_P_B_E_C_C_S:12DC33Z', 'ppppppp'],
  ])('tells whom replies are for: %s', (_title, script, audiences) => {
    const queue = new ReplyQueue<string>(() => undefined);
    expect(play(script, queue)).toBe(audiences);
    expect(queue.length).toBe(0);
    expect(queue.hasHidden).toBe(false);
  });

  test.each([
    ['everything up to Sync is skipped, queries too', 'PBEQPSQ:1E :Z :CZ', 'ccccc'],
    ['no Sync sent yet', 'PB:E EQPS:Z', 'cc'],
    ['a query’s error skips nothing', 'QPS:EZ :1Z', 'cccc'],
    ['an error at Sync skips nothing', 'BESQ:2C :EZ :CZ', 'cccccc'],
    ['hidden messages are skipped alike', 'P_PB_CES:1E :Z', 'cpc'],
    ['a hidden message fails', '_P_B_E_C_C_S:E :Z', 'pp'],
  ])('errors: %s', (_title, script, audiences) => {
    const queue = new ReplyQueue<string>(() => undefined);
    expect(play(script, queue)).toBe(audiences);
    expect(queue.length).toBe(0);
    expect(queue.isSkipping).toBe(false);
  });

  test.each([
    ['simple', 'Q:G c:CZ', 'ccc'],
    ['simple, given up', 'QQ:G c:EZ :CZ', 'ccccc'],
    ['all at once', 'QcQ:GCZ :CZ', 'ccccc'],
    ['extended, the Sync before the data ignored', 'PBES:12G cS:CZ', 'ccccc'],
    ['extended, a Sync while data flows', 'PBE:12G S cS:CZ', 'ccccc'],
    ['extended, all at once', 'PBEcS:12GCZ', 'ccccc'],
    ['extended, bad data', 'PBES:12G :E cS:Z', 'ccccc'],
    ['a query that failed, and data for it', 'Qc:EZ Q:CZ', 'cccc'],
  ])('COPY in: %s', (_title, script, audiences) => {
    const queue = new ReplyQueue<string>(() => undefined);
    expect(play(script, queue)).toBe(audiences);
    expect(queue.length).toBe(0);
  });

  test.each([
    ['ParseComplete for a Bind', 'B:1', 'm'],
    ['CommandComplete for nothing', ':C', 'm'],
    ['ReadyForQuery for a Parse', 'P:Z', 'm'],
    ['CopyInResponse for a Describe', 'D:G', 'm'],
  ])('refuses: %s', (_title, script, audiences) => {
    expect(play(script)).toBe(audiences);
  });

  test('names what was dropped, and what failed', () => {
    const dropped: string[] = [];
    const queue = new ReplyQueue<string>((kind, isHidden, detail) =>
      dropped.push(`${kind} ${isHidden} ${detail}`),
    );
    queue.push(Owed.Parse, 'a');
    queue.push(Owed.Bind, 'b');
    queue.push(Owed.Close, 'c', true);
    queue.push(Owed.Sync, 'd');
    expect(queue.settle(BackendCode.ErrorResponse)).toBe('client');
    expect([queue.doneKind, queue.doneDetail]).toEqual([Owed.Parse, 'a']);
    expect(dropped).toEqual([`${Owed.Bind} false b`, `${Owed.Close} true c`]);
    expect(queue.headDetail).toBe('d');
  });

  test('what is sent while the server skips is not owed', () => {
    const queue = new ReplyQueue<string>(() => undefined);
    queue.push(Owed.Parse);
    queue.settle(BackendCode.ErrorResponse);
    expect(queue.push(Owed.Query)).toBe(false);
    expect(queue.push(Owed.Sync)).toBe(true);
    expect(queue.push(Owed.Query)).toBe(true);
    expect(queue.length).toBe(2);
  });

  test('holds any number, in order, across its ring’s end', () => {
    const queue = new ReplyQueue<number>(() => undefined);
    let sent = 0;
    let settled = 0;
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 7 + round; i++) queue.push(Owed.Close, sent++);
      for (let i = 0; i < 5 + round / 2; i++) {
        expect(queue.settle(BackendCode.CloseComplete)).toBe('client');
        expect(queue.doneDetail).toBe(settled++);
      }
    }
    expect(queue.length).toBe(sent - settled);
    const saved = queue.takeAll();
    expect(queue.length).toBe(0);
    queue.push(Owed.Sync, -1, true);
    expect(queue.settle(BackendCode.ReadyForQuery)).toBe('proxy');
    queue.putBack(saved);
    expect(queue.settle(BackendCode.CloseComplete)).toBe('client');
    expect(queue.doneDetail).toBe(settled);
  });
});

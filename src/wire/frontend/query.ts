import { FrontendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { cstring, encodeMessage } from '../message-writer';

/** Query (F): a simple query; the text may hold several statements. */
export interface Query {
  readonly kind: 'Query';
  readonly query: string;
}

/** Decodes a body, by default the whole buffer. */
export function decodeQuery(body: Buffer, start = 0, end = body.length): Query {
  const reader = new MessageReader(body, 'Query', start, end);
  const query = reader.cstring();
  reader.finish();
  return { kind: 'Query', query };
}

export function encodeQuery({ query }: Omit<Query, 'kind'>): Buffer {
  return encodeMessage(FrontendCode.Query, cstring(query));
}

import { BackendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { cstring, encodeMessage, int32, list, uint16, uint32 } from '../message-writer';

export interface Column {
  readonly name: string;
  /** 0 if the column is no table's. */
  readonly tableOid: number;
  readonly attributeNumber: number;
  readonly typeOid: number;
  /** The unsigned 16 bits on the wire: 65535 for variable width. */
  readonly typeSize: number;
  readonly typeModifier: number;
  readonly format: number;
}

/** RowDescription (B): the columns of the rows to come. */
export interface RowDescription {
  readonly kind: 'RowDescription';
  readonly columns: readonly Column[];
}

/** Decodes a body, by default the whole buffer. */
export function decodeRowDescription(body: Buffer, start = 0, end = body.length): RowDescription {
  const reader = new MessageReader(body, 'RowDescription', start, end);
  const columns = reader.list(() => ({
    name: reader.cstring(),
    tableOid: reader.uint32(),
    attributeNumber: reader.uint16(),
    typeOid: reader.uint32(),
    typeSize: reader.uint16(),
    typeModifier: reader.int32(),
    format: reader.uint16(),
  }));
  reader.finish();
  return { kind: 'RowDescription', columns };
}

export function encodeRowDescription({ columns }: Omit<RowDescription, 'kind'>): Buffer {
  const encodeColumn = (column: Column): Buffer =>
    Buffer.concat([
      cstring(column.name),
      uint32(column.tableOid),
      uint16(column.attributeNumber),
      uint32(column.typeOid),
      uint16(column.typeSize),
      int32(column.typeModifier),
      uint16(column.format),
    ]);
  return encodeMessage(BackendCode.RowDescription, list(columns, encodeColumn));
}

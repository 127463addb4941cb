import { FrontendCode } from '../message-code';
import { encodeMessage, list, uint16, uint32, value } from '../message-writer';

/** FunctionCall (F): call a function by its OID; obsolete, but libpq's large objects use it. */
export interface FunctionCall {
  readonly functionOid: number;
  readonly argumentFormats: readonly number[];
  readonly values: readonly (Buffer | null)[];
  readonly resultFormat: number;
}

export function encodeFunctionCall(call: FunctionCall): Buffer {
  return encodeMessage(
    FrontendCode.FunctionCall,
    uint32(call.functionOid),
    list(call.argumentFormats, uint16),
    list(call.values, value),
    uint16(call.resultFormat),
  );
}

import { FrameTreatment } from './frame-reader';
import { BackendCode, FrontendCode } from './message-code';

/**
 * What a session needs to see whole of what a client sends. CopyData, CopyFail, FunctionCall and the messages of
 * authentication only pass through; bytes that begin no message are refused, as the server would.
 */
export function frontendTreatments(): Uint8Array {
  const treatments = new Uint8Array(256).fill(FrameTreatment.Refuse);
  for (const code of Object.values(FrontendCode)) treatments[code] = FrameTreatment.Whole;
  for (const code of [
    FrontendCode.CopyData,
    FrontendCode.CopyFail,
    FrontendCode.FunctionCall,
    FrontendCode.Password,
  ]) {
    treatments[code] = FrameTreatment.Pieces;
  }
  return treatments;
}

/**
 * What a session needs to see whole of what the server sends: the small messages that say how it stands. Rows and COPY
 * data flow through, and so does what a newer server may send that we know nothing of.
 */
export function backendTreatments(): Uint8Array {
  const treatments = new Uint8Array(256).fill(FrameTreatment.Pieces);
  for (const code of [
    BackendCode.Authentication,
    BackendCode.BackendKeyData,
    BackendCode.CommandComplete,
    BackendCode.ErrorResponse,
    BackendCode.NoticeResponse,
    BackendCode.ParameterStatus,
    BackendCode.ReadyForQuery,
  ]) {
    treatments[code] = FrameTreatment.Whole;
  }
  return treatments;
}

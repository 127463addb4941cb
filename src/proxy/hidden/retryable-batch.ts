import { decodeDescribe } from '../../wire/frontend/describe';
import { decodeExecute } from '../../wire/frontend/execute';
import { FrontendCode } from '../../wire/message-code';

/** Headers and small bodies; anything larger here is not what drivers send. */
const maxFrameBytes = 10_000;

/**
 * Whether the bytes behind a Bind are exactly `[Describe of its portal] Execute of its portal, Sync`, all received: then
 * the statement is alone in its batch and can be run again from Bind on (rule S12).
 *
 * @returns where the Sync ends in `chunk`, or undefined
 */
export function findRetryableBatch(chunk: Buffer, from: number, portalName: string): number | undefined {
  let at = from;
  let end = frameEnd(chunk, at);
  if (end !== undefined && chunk[at] === FrontendCode.Describe) {
    const { target, name } = decodeDescribe(chunk, at + 5, end);
    if (target !== 'portal' || name !== portalName) return undefined;
    at = end;
    end = frameEnd(chunk, at);
  }
  if (end === undefined || chunk[at] !== FrontendCode.Execute) return undefined;
  if (decodeExecute(chunk, at + 5, end).portalName !== portalName) return undefined;
  at = end;
  end = frameEnd(chunk, at);
  return end === at + 5 && chunk[at] === FrontendCode.Sync ? end : undefined;
}

function frameEnd(chunk: Buffer, at: number): number | undefined {
  if (chunk.length - at < 5) return undefined;
  const frameBytes = chunk.readUInt32BE(at + 1) + 1;
  if (frameBytes < 5 || frameBytes > maxFrameBytes) return undefined;
  const end = at + frameBytes;
  return end <= chunk.length ? end : undefined;
}

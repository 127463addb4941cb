import { type MessageReader } from '../message-reader';
import { cstring, uint8 } from '../message-writer';

/** What Describe and Close speak of: a prepared statement or a portal, by name. */
export interface Target {
  readonly target: 'statement' | 'portal';
  readonly name: string;
}

const statement = 0x53; // S
const portal = 0x50; // P

export function readTarget(reader: MessageReader): Target {
  const code = reader.uint8();
  if (code !== statement && code !== portal) throw reader.malformed(`its target has the type ${code}`);
  const name = reader.cstring();
  reader.finish();
  return { target: code === statement ? 'statement' : 'portal', name };
}

export function targetParts({ target, name }: Target): Buffer[] {
  return [uint8(target === 'statement' ? statement : portal), cstring(name)];
}

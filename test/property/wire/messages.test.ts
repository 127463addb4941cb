import * as fc from 'fast-check';
import { Parser } from 'pg-protocol/dist/parser';
import { decodeAuthentication, encodeAuthentication } from '../../../src/wire/backend/authentication';
import { decodeBackendKeyData, encodeBackendKeyData } from '../../../src/wire/backend/backend-key-data';
import { decodeCommandComplete, encodeCommandComplete } from '../../../src/wire/backend/command-complete';
import { decodeDataRow, encodeDataRow } from '../../../src/wire/backend/data-row';
import { encodePgError } from '../../../src/wire/backend/error-response';
import {
  decodeNotificationResponse,
  encodeNotificationResponse,
} from '../../../src/wire/backend/notification-response';
import {
  decodeParameterDescription,
  encodeParameterDescription,
} from '../../../src/wire/backend/parameter-description';
import { decodeParameterStatus, encodeParameterStatus } from '../../../src/wire/backend/parameter-status';
import { decodeReadyForQuery, encodeReadyForQuery } from '../../../src/wire/backend/ready-for-query';
import { decodeResponseFields, encodeResponseFields } from '../../../src/wire/backend/response-fields';
import { decodeRowDescription, encodeRowDescription } from '../../../src/wire/backend/row-description';
import {
  decodeBind,
  decodeBindNames,
  encodeBind,
  renameBindStatement,
} from '../../../src/wire/frontend/bind';
import { decodeClose, encodeClose } from '../../../src/wire/frontend/close';
import { decodeDescribe, encodeDescribe } from '../../../src/wire/frontend/describe';
import { decodeExecute, encodeExecute } from '../../../src/wire/frontend/execute';
import { decodeParse, encodeParse } from '../../../src/wire/frontend/parse';
import { decodeQuery, encodeQuery } from '../../../src/wire/frontend/query';
import { decodeCancelRequest, encodeCancelRequest } from '../../../src/wire/startup/cancel-request';
import { encodeEncryptionRequest } from '../../../src/wire/startup/encryption-request';
import { encodeStartupMessage } from '../../../src/wire/startup/startup-message';
import { StartupPacketReader } from '../../../src/wire/startup/startup-packet-reader';
import { PgError, SqlState } from '../../../src/errors/pg-error';

/** Any characters but zero; half a surrogate pair has no UTF-8. */
const text = fc.string({ unit: 'binary' }).filter((s) => !/\0|\p{Surrogate}/u.test(s));
const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array));
const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffffffff);
const value = fc.option(bytes);
const target = fc.record({ target: fc.constantFrom('statement' as const, 'portal' as const), name: text });
const bind = fc.record({
  portalName: text,
  statementName: text,
  parameterFormats: fc.array(uint16, { maxLength: 4 }),
  parameters: fc.array(value, { maxLength: 4 }),
  resultFormats: fc.array(uint16, { maxLength: 4 }),
});
const responseFields = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...Array.from('SVCMDHPpqWsRFLnt')), text), {
    selector: ([type]) => type,
  })
  .map((entries) => new Map(entries));

interface Codec {
  readonly message: fc.Arbitrary<object>;
  readonly encode: (message: never) => Buffer;
  readonly decode: (body: Buffer, start?: number, end?: number) => object;
}

const codecs: Readonly<Record<string, Codec>> = {
  Query: { message: fc.record({ query: text }), encode: encodeQuery, decode: decodeQuery },
  Parse: {
    message: fc.record({
      statementName: text,
      query: text,
      parameterTypeOids: fc.array(uint32, { maxLength: 5 }),
    }),
    encode: encodeParse,
    decode: decodeParse,
  },
  Bind: { message: bind, encode: encodeBind, decode: decodeBind },
  Describe: { message: target, encode: encodeDescribe, decode: decodeDescribe },
  Close: { message: target, encode: encodeClose, decode: decodeClose },
  Execute: {
    message: fc.record({ portalName: text, maxRows: uint32 }),
    encode: encodeExecute,
    decode: decodeExecute,
  },
  CommandComplete: {
    message: fc.record({ tag: text }),
    encode: encodeCommandComplete,
    decode: decodeCommandComplete,
  },
  ReadyForQuery: {
    message: fc.record({ transactionStatus: fc.constantFrom('idle', 'inTransaction', 'failed') }),
    encode: encodeReadyForQuery,
    decode: decodeReadyForQuery,
  },
  ParameterStatus: {
    message: fc.record({ name: text, value: text }),
    encode: encodeParameterStatus,
    decode: decodeParameterStatus,
  },
  BackendKeyData: {
    message: fc.record({ processId: uint32, secretKey: bytes }),
    encode: encodeBackendKeyData,
    decode: decodeBackendKeyData,
  },
  Authentication: {
    message: fc.record({ code: fc.nat(12), data: bytes }),
    encode: encodeAuthentication,
    decode: decodeAuthentication,
  },
  DataRow: {
    message: fc.record({ values: fc.array(value, { maxLength: 6 }) }),
    encode: encodeDataRow,
    decode: decodeDataRow,
  },
  ParameterDescription: {
    message: fc.record({ typeOids: fc.array(uint32, { maxLength: 6 }) }),
    encode: encodeParameterDescription,
    decode: decodeParameterDescription,
  },
  NotificationResponse: {
    message: fc.record({ processId: uint32, channel: text, payload: text }),
    encode: encodeNotificationResponse,
    decode: decodeNotificationResponse,
  },
  RowDescription: {
    message: fc.record({
      columns: fc.array(
        fc.record({
          name: text,
          tableOid: uint32,
          attributeNumber: uint16,
          typeOid: uint32,
          typeSize: uint16,
          typeModifier: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
          format: uint16,
        }),
        { maxLength: 4 },
      ),
    }),
    encode: encodeRowDescription,
    decode: decodeRowDescription,
  },
  ErrorResponse: {
    message: responseFields.map((fields) => ({ kind: 'ErrorResponse', fields })),
    encode: encodeResponseFields,
    decode: (body, start, end) => decodeResponseFields('ErrorResponse', body, start, end),
  },
};

describe.each(Object.entries(codecs))('%s', (kind, { message, encode, decode }) => {
  test('decode(encode(m)) = m', () => {
    fc.assert(
      fc.property(message, (m) => {
        const frame = encode(m as never);
        expect(frame.readUInt32BE(1)).toBe(frame.length - 1);
        expect(decode(frame.subarray(5))).toEqual({ kind, ...m });
      }),
    );
  });

  test('decodes a part of a buffer and reads nothing around it', () => {
    fc.assert(
      fc.property(message, bytes, bytes, (m, before, after) => {
        const frame = encode(m as never);
        const chunk = Buffer.concat([before, frame, after]);
        expect(decode(chunk, before.length + 5, before.length + frame.length)).toEqual({ kind, ...m });
      }),
    );
  });

  test('arbitrary bytes decode or fail with a protocol violation, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        try {
          decode(Buffer.from(body));
        } catch (error) {
          expect(error).toMatchObject({ name: 'PgError', sqlState: '08P01' });
        }
      }),
    );
  });
});

test('Bind: renaming the statement changes its name and nothing else', () => {
  fc.assert(
    fc.property(bind, text, (message, statementName) => {
      const frame = encodeBind(message);
      expect(renameBindStatement(frame, statementName)).toEqual(encodeBind({ ...message, statementName }));
      expect(decodeBindNames(frame, 5)).toEqual({
        portalName: message.portalName,
        statementName: message.statementName,
      });
    }),
  );
});

describe('start-up packets', () => {
  const parameterName = text.filter((s) => s !== '');
  const startup = fc.record({
    majorVersion: fc.constant(3),
    minorVersion: uint16,
    parameters: fc
      .uniqueArray(fc.tuple(parameterName, text), { selector: ([name]) => name })
      .map((p) => new Map(p)),
  });

  test('are read under every split, what follows is kept', () => {
    fc.assert(
      fc.property(startup, bytes, (message, rest) => {
        const packet = encodeStartupMessage(message);
        const stream = Buffer.concat([encodeEncryptionRequest('SSLRequest'), packet, rest]);
        for (let at = 0; at <= stream.length; at++) {
          const reader = new StartupPacketReader();
          const read = [];
          for (const chunk of [stream.subarray(0, at), stream.subarray(at)]) {
            reader.feed(chunk);
            while (read.length < 2) {
              const next = reader.next();
              if (next === undefined) break;
              read.push(next);
            }
          }
          expect(read[0]?.request).toEqual({ kind: 'SSLRequest' });
          expect(read[1]).toEqual({ request: { kind: 'StartupMessage', ...message }, bytes: packet });
          expect(reader.takeRest()).toEqual(rest);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('arbitrary bytes are a packet or a protocol violation, never anything else', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.option(fc.constantFrom(8, 12, 16, 40)),
        (body, length) => {
          const reader = new StartupPacketReader();
          const packet = Buffer.from(body);
          if (length !== null && packet.length >= 8) {
            packet.writeUInt32BE(length, 0);
            packet.writeUInt16BE(3, 4);
          }
          reader.feed(packet);
          try {
            reader.next();
          } catch (error) {
            expect(error).toMatchObject({ name: 'PgError', sqlState: '08P01' });
          }
        },
      ),
    );
  });

  test('CancelRequest: decode(encode(m)) = m for every allowed key length', () => {
    const secretKey = fc.uint8Array({ minLength: 4, maxLength: 256 }).map((key) => Buffer.from(key));
    fc.assert(
      fc.property(uint32, secretKey, (processId, key) => {
        const request = { processId, secretKey: key };
        expect(decodeCancelRequest(encodeCancelRequest(request).subarray(8))).toEqual({
          kind: 'CancelRequest',
          ...request,
        });
      }),
    );
  });
});

test('an error of the proxy is read by pg-protocol as it was meant', () => {
  fc.assert(
    fc.property(text, text, (message, detail) => {
      const error = new PgError(SqlState.ConnectionFailure, message, { severity: 'FATAL', detail });
      const read: unknown[] = [];
      new Parser().parse(encodePgError(error), (m) => read.push(m));
      expect(read).toEqual([expect.objectContaining({ severity: 'FATAL', code: '08006', detail })]);
      expect(read[0]).toMatchObject({ message });
    }),
  );
});

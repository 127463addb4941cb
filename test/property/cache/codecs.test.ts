import fc from 'fast-check';
import { ByteReader } from '../../../src/cache/codecs/byte-reader';
import { ByteWriter } from '../../../src/cache/codecs/byte-writer';
import { DamagedRecordError } from '../../../src/cache/codecs/damaged-record-error';
import { decodeDescription, encodeDescription } from '../../../src/cache/codecs/description-codec';
import { decodeKeySet, encodeKeySet } from '../../../src/cache/codecs/key-set-codec';
import { sealRecord } from '../../../src/cache/codecs/record';
import { parseTagged, stringifyTagged } from '../../../src/cache/codecs/tagged-json';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { partitionKeyTypes } from '../../../src/query/partition-key';
import { descriptionOf, keySets, plainKeys, sampleEntry } from '../../support/cache-entries';

describe.each(partitionKeyTypes)('key sets of type %s', (datatype) => {
  test('decode(encode(set)) = set', () => {
    fc.assert(
      fc.property(keySets(datatype), (set) => {
        expect(plainKeys(decodeKeySet(datatype, encodeKeySet(set)))).toEqual(plainKeys(set));
      }),
    );
  });

  test('any damage of a record is noticed', () => {
    fc.assert(
      fc.property(
        keySets(datatype),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (set, position, difference) => {
          const record = Buffer.from(encodeKeySet(set));
          const at = position % record.length;
          record.writeUInt8(record.readUInt8(at) ^ difference, at);
          expect(() => decodeKeySet(datatype, record)).toThrow(DamagedRecordError);
        },
      ),
    );
  });

  test('a record cut off anywhere is noticed', () => {
    fc.assert(
      fc.property(keySets(datatype), fc.nat(), (set, length) => {
        const record = encodeKeySet(set);
        expect(() => decodeKeySet(datatype, record.subarray(0, length % record.length))).toThrow(
          DamagedRecordError,
        );
      }),
    );
  });

  // A checksum can be right by accident, or made: then the decoder itself must hold.
  test('arbitrary bytes under a right checksum decode, or are damaged, and take no memory they do not have', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (payload) => {
        try {
          const set = decodeKeySet(datatype, sealRecord('keySet', payload));
          expect(set.size).toBeLessThanOrEqual(payload.length);
        } catch (error) {
          expect(error).toBeInstanceOf(DamagedRecordError);
        }
      }),
    );
  });
});

test('varints of 64 bits come back as they were written', () => {
  const half = fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 0xffff_ffff }));
  fc.assert(
    fc.property(fc.array(fc.tuple(half, half)), (halves) => {
      const writer = new ByteWriter(1);
      for (const [low, high] of halves) writer.varint64(low, high);
      const reader = new ByteReader(writer.finish());
      for (const [low, high] of halves) expect([reader.varint64(), reader.high]).toEqual([low, high]);
      reader.end();
    }),
  );
});

test('numbers up to 2^53 come back as they were written', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const writer = new ByteWriter();
      writer.varint(value);
      expect(new ByteReader(writer.finish()).varint()).toBe(value);
    }),
  );
});

describe('tagged JSON', () => {
  const { data } = fc.letrec((tie) => ({
    data: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
      fc.bigInt(),
      fc.string(),
      fc.array(tie('data'), { maxLength: 4 }),
      fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom('$bigint', '$$bigint', '$', '__proto__')),
        tie('data'),
        {
          maxKeys: 4,
          noNullPrototype: true,
        },
      ),
    ),
  }));

  test('parse(stringify(data)) = data, bigints and names like tags included', () => {
    fc.assert(fc.property(data, (value) => expect(parseTagged(stringifyTagged(value))).toEqual(value)));
  });
});

test('descriptions come back as they were, or are damaged', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (text, position) => {
      const description = descriptionOf(sampleEntry(createKeySet('integer', []), { text }));
      const record = Buffer.from(encodeDescription(description));
      expect(decodeDescription(record)).toEqual(description);
      const at = position % record.length;
      record.writeUInt8(record.readUInt8(at) ^ 0xff, at);
      expect(() => decodeDescription(record)).toThrow(DamagedRecordError);
    }),
  );
});

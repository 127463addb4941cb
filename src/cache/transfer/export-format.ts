/*
 * An export of a cache:
 *
 *   'pcache export 1\n'                  16 bytes; the number is the version of all that follows
 *   the partition keys                   a record of kind registrations
 *   for each entry: its description      a record of kind description
 *                   its keys             a record of kind keySet, if the entry's status is ok
 *   the number of entries                a record of kind exportEnd: 8 bytes, lowest first. Nothing follows.
 *
 * A record is preceded by its length (4 bytes, lowest first) and sealed as codecs/record.ts says: with its kind, the version of the
 * kind, and a CRC-32. So damage anywhere is found, and so is an export that was cut off.
 */

export const exportHeader = Buffer.from('pcache export 1\n');
export const lengthBytes = 4;
/** A key set of 100 million keys, the most a configuration allows, takes less. */
export const maxRecordBytes = 2 ** 30;

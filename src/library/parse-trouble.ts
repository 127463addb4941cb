import { parseStatements, UnparsedTextError } from '../query/ast/parser';
import { messageOf } from '../errors/message-of';

/** Why a text is no SQL to PostgreSQL's parser, or is not given to it; undefined if it is parsed. */
export function parseTrouble(text: string): string | undefined {
  try {
    parseStatements(text);
    return undefined;
  } catch (error) {
    if (error instanceof UnparsedTextError) return error.message;
    if (error instanceof Error) return `cannot be parsed as SQL: ${messageOf(error)}`;
    throw error;
  }
}

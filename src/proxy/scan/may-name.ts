/** Whether one of the relations may be named in a text; its letters may be written as codes. */
export function mayName(text: string, relations: ReadonlySet<string>): boolean {
  if (relations.size === 0) return false;
  if (/u&|""/i.test(text)) return true;
  const lower = text.toLowerCase();
  for (const name of relations) if (lower.includes(name.toLowerCase())) return true;
  return false;
}

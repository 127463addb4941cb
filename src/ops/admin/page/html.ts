/** Text that is HTML already. Made by `html` only, so that nothing gets into a page that was not escaped. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** HTML with values put in, each escaped for a place between tags or inside double quotes; lists one after the other, undefined as nothing. */
  static of(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
    const parts = strings.flatMap((text, i) => (i < values.length ? [text, written(values[i])] : [text]));
    return new Html(parts.join(''));
  }

  toString(): string {
    return this.#text;
  }
}

export type HtmlValue = string | number | Html | undefined | readonly HtmlValue[];

export const html = Html.of.bind(Html);

function written(value: HtmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(written).join('');
  return escapeHtml(String(value));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What has no shape of its own, or turns the direction of what stands around it: a text could look like another one. */
const unseen = /[^\P{Cc}\t\n]|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu;

export function escapeHtml(text: string): string {
  return text.replaceAll(unseen, '\ufffd').replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

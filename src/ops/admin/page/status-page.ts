import { messageOf } from '../../../errors/message-of';
import { proxyModes } from '../../config/config-schema';
import type { AdminAction, AdminPage } from '../admin-server';
import { type HttpReply, plainReply } from '../http-reply';
import { asConfigured } from './mode-form';
import { gatherPageData, type PageData, type PageSources } from './page-data';
import { readPageQuery, type PageQuery } from './page-query';
import { renderPage } from './render-page';
import { staticFiles } from './static-files';

/**
 * Nothing from elsewhere, no script or style in the page itself, and the page in no other one. What a statement's text may hold is escaped; should that ever
 * fail, a browser still runs nothing.
 */
const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  // `no-referrer` would take the origin away from the form as well.
  'referrer-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
};

/** The page that shows what the proxy does and why, and its form. */
export class StatusPage {
  readonly pages: ReadonlyMap<string, AdminPage>;
  readonly actions: ReadonlyMap<string, AdminAction>;
  readonly #sources: PageSources;
  /** By the range, what is being gathered: however many look, it is gathered once. */
  readonly #gathering = new Map<string, Promise<PageData>>();

  constructor(sources: PageSources) {
    this.#sources = sources;
    const files = [...staticFiles()].map(([path, file]): [string, AdminPage] => [path, async () => file]);
    this.pages = new Map<string, AdminPage>([['/', (query) => this.#page(query)], ...files]);
    this.actions = new Map([['/mode', (form) => this.#setMode(form)]]);
  }

  async #page(search: URLSearchParams): Promise<HttpReply> {
    const query = readPageQuery(search);
    const body = renderPage(await this.#gather(query), query);
    return { status: 200, contentType: 'text/html; charset=utf-8', body, headers: pageHeaders };
  }

  #gather(query: PageQuery): Promise<PageData> {
    const known = this.#gathering.get(query.range);
    if (known !== undefined) return known;
    const gathering = gatherPageData(this.#sources, query).finally(() => this.#gathering.delete(query.range));
    this.#gathering.set(query.range, gathering);
    return gathering;
  }

  /** Once it is set, a browser is sent back to the page. */
  async #setMode(form: URLSearchParams): Promise<HttpReply> {
    const wanted = form.get('mode') ?? '';
    const mode = proxyModes.find((each) => each === wanted);
    if (mode === undefined && wanted !== asConfigured)
      return plainReply(400, `mode has to be one of ${[...proxyModes, asConfigured].join(', ')}`);
    const control = this.#sources.control();
    if (control === undefined) return plainReply(503, 'the proxy is still starting');
    try {
      await control.setMode(mode);
    } catch (error) {
      return plainReply(409, `the mode stays as it was: ${messageOf(error)}`);
    }
    return plainReply(303, `mode is ${control.mode.mode}`, { location: '/' });
  }
}

import { type HistoryRange, historyRanges } from '../../statistics/history';

export const shapeOrders = ['saved', 'calls', 'time', 'lost'] as const;
export type ShapeOrder = (typeof shapeOrders)[number];

/** What of the page is wanted. */
export interface PageQuery {
  readonly range: HistoryRange;
  readonly order: ShapeOrder;
  /** Statement shapes shown. */
  readonly shapes: number;
}

const defaultShapes = 20;
export const mostShapes = 200;

/** What is asked for in a URL; what cannot be is as if nothing had been said. */
export function readPageQuery(query: URLSearchParams): PageQuery {
  const range = query.get('range') ?? '';
  return {
    range: Object.hasOwn(historyRanges, range) ? (range as HistoryRange) : '1h',
    order: shapeOrders.find((order) => order === query.get('order')) ?? 'saved',
    shapes: query.get('shapes') === 'all' ? mostShapes : defaultShapes,
  };
}

/** The URL of the page with something of it different. */
export function pageUrl(query: PageQuery, change: Partial<PageQuery>, place = ''): string {
  const { range, order, shapes } = { ...query, ...change };
  const parts = [
    ...(range === '1h' ? [] : [`range=${range}`]),
    ...(order === 'saved' ? [] : [`order=${order}`]),
    ...(shapes === defaultShapes ? [] : ['shapes=all']),
  ];
  return `/${parts.length === 0 ? '' : `?${parts.join('&')}`}${place}`;
}

import type { Us } from '../../../kit/clock.ts';
import type { CoverageChange, CoverageHead } from '../../domain/coverage.ts';
import type { MarketRecord, SeriesKey, Stream } from '../../domain/records.ts';
import type { ConnectedItem, FrameItem, RestItem } from '../../domain/tape.ts';
import type { FrameVerdict, StreamSupport, VenueMarket } from '../../exchanges/contract.ts';
import type { BookProblem } from '../books.ts';
import type { BackfilledNote, CoverageCarriedNote } from './notes.ts';
import { SeriesLedger, type LinkLife, type SeriesRules } from './series-ledger.ts';
import type { CoverageState } from './state.ts';

interface Link extends LinkLife {
  /** Series that the connection was opened for. */
  readonly series: readonly Pick<SeriesKey, 'symbol' | 'stream'>[];
  /** Acknowledgements that are still to come before all series count as subscribed; null: the venue tells none. */
  unacknowledged: number | null;
}

/** A venue's streams do not keep step with each other: where one lost something, others may have before it. */
const APART_US = 2_000_000;
/** How long a polled stream may wait for its next answer when its market does not say. */
const POLLS_MISSED = 3;
const USUAL_POLL_MS = 5_000;

/** The coverage of one market's series, as its tape items tell it. Nothing else goes in. */
export class MarketLedger {
  readonly #definition: VenueMarket;
  readonly #emit: (change: CoverageChange) => void;
  readonly #endOf: (symbol: string) => Us | null;
  readonly #series = new Map<string, Partial<Record<Stream, SeriesLedger>>>();
  readonly #links = new Map<string, Link>();
  /** The link asked for last: items come in runs of one connection. */
  #lastLink: Link | undefined;
  /** Series that the item being read has touched: so many of the list, which is not shortened, since that is dear. */
  readonly #touched: SeriesLedger[] = [];
  #touches = 0;
  /** Where series stood that a deleted part of the tape told of. */
  #carried: CoverageHead[] = [];
  /** Receive time before which the tape was deleted; null while all of it was read. */
  #cutAt: Us | null = null;
  #newest: Us = 0;

  /** `endOf`: when the contract of a symbol runs out, UTC µs; null when it does not. */
  constructor(
    definition: VenueMarket,
    emit: (change: CoverageChange) => void,
    endOf: (symbol: string) => Us | null = () => null,
  ) {
    this.#definition = definition;
    this.#emit = emit;
    this.#endOf = endOf;
  }

  get isEmpty(): boolean {
    return this.#series.size === 0;
  }

  connected(item: ConnectedItem): void {
    const { connection: id, recv_time: at } = item;
    for (const series of this.#all()) series.expire(at);
    const acknowledgements = item.acknowledgements ?? null;
    const link: Link = {
      id,
      openedAt: at,
      heard: at,
      heardAt: at,
      series: item.series ?? [],
      unacknowledged: acknowledgements,
    };
    this.#links.set(id, link);
    this.#lastLink = undefined;
    if (acknowledgements === 0) this.#subscribed(link, at);
  }

  disconnected(id: string, why: string, at: Us): void {
    const reason = plain(why);
    const link = this.#links.get(id);
    if (link === undefined) return;
    for (const series of this.#all()) series.end(link, reason, at);
    this.#links.delete(id);
    this.#lastLink = undefined;
  }

  /** Every record of the item being read, before the item's end. `tradeId`: of trades with consecutive ids, else NaN. */
  record(item: FrameItem | RestItem, record: MarketRecord, tradeId: number): void {
    const stream = record.stream === 'book' ? 'orderbooks' : record.stream;
    const series = this.#of(record.symbol, stream);
    if (series === undefined) return;
    if (!series.touched) {
      series.touched = true;
      this.#touched[this.#touches++] = series;
    }
    if (item.kind === 'frame') {
      if (record.event_time > this.#newest) this.#newest = record.event_time;
      series.heard(this.#link(item), record.event_time);
    } else if (item.origin === 'backfill') series.sampled(record.event_time, item.recv_time);
    if (record.stream === 'candles') series.candle(record, record.origin);
    if (series.rules.evidence === 'ids' && !Number.isNaN(tradeId))
      series.trade(tradeId, record.event_time, record.origin);
  }

  /** The book of a symbol is valid on this connection after the change just read. */
  bookValid(id: string, symbol: string, eventTime: Us): void {
    const link = this.#links.get(id);
    if (link !== undefined) this.#of(symbol, 'orderbooks')?.bookValid(link, eventTime);
  }

  bookProblem(id: string, problem: BookProblem): void {
    const link = this.#links.get(id);
    if (link === undefined || problem.kind === 'book_bridge' || problem.kind === 'book_out_of_order') return;
    const lost = problem.kind === 'book_sequence';
    const reason = lost ? 'a change of the book did not come' : 'the book was crossed';
    this.#of(problem.symbol, 'orderbooks')?.bookBroken(link, problem.lastEventTime, reason);
    if (lost) this.#suspect(link, problem.lastEventTime ?? link.heard, 'frames of the connection were lost');
  }

  /** The item has been read. */
  end(item: FrameItem | RestItem, verdict: FrameVerdict): void {
    const polled = item.kind === 'rest' && item.origin !== 'backfill' && item.connection.endsWith('#rest');
    if (item.kind === 'frame') this.#frameRead(item, verdict);
    for (let i = 0; i < this.#touches; i++) {
      const series = this.#touched[i];
      if (series === undefined) continue;
      series.touched = false;
      if (polled) series.polled(item.recv_time);
      series.flush();
    }
    this.#touches = 0;
    this.#newest = 0;
  }

  backfilled(note: BackfilledNote, recvTime: Us): void {
    const inUs = ({ from, to }: { readonly from: number; readonly to: number }) => ({
      from: Math.round(from * 1000),
      to: Math.min(Math.round(to * 1000), recvTime),
    });
    const missing = note.missing.map((part) => ({ ...inUs(part), reason: plain(part.reason) }));
    // Answers that came before the tape was cut are not on it.
    const held = this.#cutAt === null || (note.asked ?? 0) > this.#cutAt;
    this.#of(note.symbol, note.stream)?.backfilled(inUs(note), missing, held);
  }

  /** Items received from `from` to `to` were lost to us. */
  lost(from: Us, to: Us, reason: string): void {
    for (const series of this.#all()) series.lost({ from: from - APART_US, to }, reason);
  }

  /** What a part of the tape that is gone had told of a series. */
  carried({ symbol, stream, intervals, rowsTo, head, openDays }: CoverageCarriedNote, at: Us): void {
    this.#cutAt = at;
    const from = intervals[0]?.from ?? rowsTo;
    const { exchange, market } = this.#definition;
    const key: SeriesKey = { exchange, market, symbol, stream };
    for (const held of intervals) this.#emit({ ...key, ...held, mode: 'raise' });
    this.#emit({ ...key, from, to: rowsTo, state: 'missing', reason: null, mode: 'gone', openDays });
    if (head !== null) this.#carried.push({ ...key, ...head, run: null, pendingUntil: head.knownTo });
  }

  /** Where each series stands that changed since the last call; later ones of a series count. */
  takeHeads(): CoverageHead[] {
    const carried = this.#carried;
    this.#carried = [];
    return [...carried, ...[...this.#all()].flatMap((series) => series.takeHead() ?? [])];
  }

  state(): CoverageState {
    const links = [...this.#links.values()].map((link) => ({ ...link, series: [...link.series] }));
    return { links, series: [...this.#all()].map((series) => series.state()) };
  }

  /** Goes on from a state. What was heard up to here and was only in the heads is told first. */
  restore(state: CoverageState): void {
    for (const series of this.#all()) series.tell();
    this.#links.clear();
    this.#lastLink = undefined;
    this.#series.clear();
    for (const link of state.links) this.#links.set(link.id, { ...link });
    for (const held of state.series) this.#of(held.symbol, held.stream)?.restore(held, this.#links);
  }

  #frameRead(item: FrameItem, verdict: FrameVerdict): void {
    const link = this.#link(item);
    const before = link.heard;
    const told = this.#newest === 0 ? item.recv_time : Math.min(item.recv_time, this.#newest);
    link.heard = Math.max(before, told);
    link.heardAt = item.recv_time;
    if (verdict.kind === 'rejected') this.#suspect(link, before, 'a frame could not be read');
    if (verdict.kind !== 'control' || verdict.subscribed !== true || link.unacknowledged === null) return;
    link.unacknowledged -= 1;
    if (link.unacknowledged === 0) this.#subscribed(link, item.recv_time);
  }

  #subscribed(link: Link, at: Us): void {
    for (const { symbol, stream } of link.series) this.#of(symbol, stream)?.begin(link, at);
  }

  /** The link was sound up to `since`; something was lost between then and now. */
  #suspect(link: Link, since: Us, reason: string): void {
    const lost = { from: since - APART_US, to: link.heard };
    for (const series of this.#all()) series.suspect(link, lost, reason);
  }

  #link(item: FrameItem): Link {
    const last = this.#lastLink;
    if (last?.id === item.connection) return last;
    const link = this.#links.get(item.connection) ?? this.#meet(item);
    this.#lastLink = link;
    return link;
  }

  #meet({ connection: id, recv_time: at }: FrameItem): Link {
    const link = { id, openedAt: at, heard: at, heardAt: at, series: [], unacknowledged: null };
    this.#links.set(id, link);
    return link;
  }

  #of(symbol: string, stream: Stream): SeriesLedger | undefined {
    let streams = this.#series.get(symbol);
    const held = streams?.[stream];
    if (held !== undefined) return held;
    const support = this.#definition.streams[stream];
    if (support === undefined) return undefined;
    if (streams === undefined) this.#series.set(symbol, (streams = {}));
    const { exchange, market } = this.#definition;
    const series = new SeriesLedger(
      { exchange, market, symbol, stream },
      rulesOf(stream, support),
      this.#emit,
      this.#endOf(symbol),
    );
    streams[stream] = series;
    return series;
  }

  *#all(): IterableIterator<SeriesLedger> {
    for (const streams of this.#series.values()) yield* Object.values(streams);
  }
}

/** A venue's own words, fit to be kept. */
function plain(reason: string): string {
  return reason.replaceAll(/\p{C}+/gu, ' ').slice(0, 120);
}

/** How the coverage of a stream is judged, from what its market declares. */
export function rulesOf(stream: Stream, support: StreamSupport): SeriesRules {
  const every = support.history?.everyMs;
  const polls = support.via === 'rest';
  const usual = (support.pollMs ?? USUAL_POLL_MS) * POLLS_MISSED;
  const silence = support.staleAfterMs ?? (polls ? usual : null);
  const sampled = support.sampled ?? null;
  return {
    evidence: evidenceOf(stream, support),
    state: sampled === null ? 'live' : 'sampled',
    stateReason: sampled,
    silenceUs: silence === null ? null : silence * 1000,
    historyEveryUs: every === undefined ? null : every * 1000,
  };
}

function evidenceOf(stream: Stream, support: StreamSupport): SeriesRules['evidence'] {
  if (stream === 'candles') return 'candles';
  if (stream === 'trades' && support.consecutiveIds === true) return 'ids';
  if (support.via === 'rest') return 'polls';
  return stream === 'orderbooks' ? 'book' : 'session';
}

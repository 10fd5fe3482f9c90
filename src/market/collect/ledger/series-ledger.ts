import type { Us } from '../../../kit/clock.ts';
import {
  endedReason,
  without,
  type CoverageChange,
  type CoverageHead,
  type CoverageState,
  type Stretch,
} from '../../domain/coverage.ts';
import type { CandleRecord, Origin, SeriesKey } from '../../domain/records.ts';
import { Growth } from './growth.ts';
import type { SeriesState } from './state.ts';
import { TradeHoles } from './trade-holes.ts';

const MINUTE_US = 60_000_000;
/** A connection that lives says something, if only a pong, within this time. */
const LIFE_US = 20_000_000;
/** A candle may be told as closed this long after its end. */
const CANDLE_GRACE_US = 30_000_000;
const SILENT = 'silent for longer than is normal';

/** How the wholeness of a series is judged: by the life of its connection, by ids, open times, book state or polls. */
export type Evidence = 'session' | 'ids' | 'candles' | 'book' | 'polls';

export interface SeriesRules {
  readonly evidence: Evidence;
  /** State of what the stream itself brings: `live`, or `sampled` with the reason. */
  readonly state: CoverageState;
  readonly stateReason: string | null;
  /** Longest silence within which a stream counts as whole, µs; null: any. Polls: longest time between two. */
  readonly silenceUs: Us | null;
  /** Distance of the records of the venue's history where that is coarser than the stream, µs. */
  readonly historyEveryUs: Us | null;
}

/** A connection as far as coverage goes. */
export interface LinkLife {
  readonly id: string;
  readonly openedAt: Us;
  /** Everything that the venue sent up to here has come: event time of the newest record, or receipt without any. */
  heard: Us;
  /** When the last frame came. */
  heardAt: Us;
}

interface Session {
  readonly link: LinkLife;
  readonly start: Us;
  /** What lies before is accounted for. */
  cursor: Us;
  /** Event time of the newest record. */
  last: Us;
  /** Books: whether the book is valid on this connection. */
  valid: boolean;
}

/**
 * The coverage of one series as the tape's items tell it. Steps are given to `emit` in the tape's order; the stretch
 * that grows is only in the head. When `settle` is called makes no difference to what comes out in the end.
 */
export class SeriesLedger {
  readonly key: SeriesKey;
  readonly rules: SeriesRules;
  readonly #growth: Growth;
  readonly #sessions = new Map<string, Session>();
  /** The session that was heard of last. */
  #lastSession: Session | undefined;
  /** Whether the item being read has brought a record; for whom the series belongs to. */
  touched = false;
  readonly #holes = new TradeHoles();
  #newest: { id: number; time: Us } | null = null;
  #next: Us | null = null;
  #polledAt: Us | null = null;
  #endsAt: Us | null;

  constructor(key: SeriesKey, rules: SeriesRules, emit: (change: CoverageChange) => void, endsAt: Us | null = null) {
    this.key = key;
    this.rules = rules;
    this.#endsAt = endsAt;
    this.#growth = new Growth(key, { state: rules.state, reason: rules.stateReason }, emit);
  }

  /** The link carries the series from `at` on. */
  begin(link: LinkLife, at: Us): void {
    if (this.#sessions.has(link.id)) return;
    const valid = this.rules.evidence !== 'book';
    const cursor = Math.max(at, this.#holeEnd());
    this.#sessions.set(link.id, { link, start: at, cursor, last: at, valid });
    this.#growth.changed = true;
  }

  /** The link is over, since `at`. */
  end(link: LinkLife, reason: string, at: Us): void {
    const session = this.#sessions.get(link.id);
    if (session === undefined) return;
    this.settle();
    if (this.#isSilent(session, link.heard)) this.#lose(session, session.last, link.heard, SILENT);
    this.#sessions.delete(link.id);
    this.#lastSession = undefined;
    if (this.#sessions.size === 0) this.#growth.reason = reason;
    this.#growth.changed = true;
    this.expire(at);
  }

  /**
   * It is `at`. Where the contract has run out and nothing carries it any more, what did not come of it up to its end is
   * missing, also when the process was down meanwhile, and what lies after its end is not judged.
   */
  expire(at: Us): void {
    const end = this.#endsAt;
    if (end === null || at < end || this.#sessions.size > 0) return;
    const growth = this.#growth;
    const ended = endedReason(end);
    if (growth.reason === ended) return;
    const { knownTo } = growth;
    if (knownTo !== null && knownTo < end) {
      growth.close();
      growth.missing(knownTo, end, growth.reason ?? 'not connected');
    }
    growth.reason = ended;
    growth.changed = true;
  }

  /** A record of the series, changes of books included, came on the link. */
  heard(link: LinkLife, eventTime: Us): void {
    const last = this.#lastSession;
    const session = last?.link === link ? last : this.#sessions.get(link.id);
    if (session === undefined) {
      this.begin(link, Math.max(eventTime, link.openedAt));
      return;
    }
    this.#lastSession = session;
    if (eventTime <= session.last) return;
    if (this.#isSilent(session, eventTime)) this.#lose(session, session.last, eventTime, SILENT);
    session.last = eventTime;
  }

  /** A trade with a consecutive id, whatever brought it. */
  trade(id: number, time: Us, origin: Origin): void {
    const newest = this.#newest;
    if (newest === null) {
      this.#newest = { id, time };
      return;
    }
    if (id <= newest.id) {
      const whole = this.#holes.take(id, time);
      if (whole !== undefined) this.#growth.filled(whole.from, whole.to, this.#stateOf(origin));
      return;
    }
    const at = Math.max(time, newest.time);
    // A trade that is missing may have happened in the very µs of the one after it.
    const since = Math.max(newest.time, this.#holeEnd());
    if (id === newest.id + 1) this.#proven(since, at, origin);
    else {
      this.settle();
      for (const session of this.#sessions.values()) session.cursor = Math.max(session.cursor, at + 1);
      this.#holes.add({ fromId: newest.id + 1, toId: id - 1, after: newest.time, before: at + 1 });
      this.#growth.retract(newest.time, at + 1, `trades ${newest.id + 1} to ${id - 1} did not come`);
    }
    newest.id = id;
    newest.time = at;
  }

  candle(record: CandleRecord, origin: Origin): void {
    if (record.interval !== '1m') return;
    const { open_time: open, closed } = record;
    const live = origin === 'live';
    const growth = this.#growth;
    if (live && this.#next === null) this.#next = open;
    if (live && this.#next !== null && open > this.#next) {
      growth.missing(this.#next, open, growth.reason ?? 'not told as closed');
      this.#next = open;
    }
    if (live) growth.reason = null;
    if (closed) {
      growth.filled(open, open + MINUTE_US, this.#stateOf(origin));
      if (this.#next === open) this.#next = open + MINUTE_US;
    }
    if (this.#next === null || growth.knownTo === this.#next) return;
    growth.knownTo = this.#next;
    growth.changed = true;
  }

  /** The book was changed on this link and is valid. */
  bookValid(link: LinkLife, eventTime: Us): void {
    const session = this.#sessions.get(link.id);
    if (session === undefined || session.valid) return;
    session.valid = true;
    session.cursor = Math.max(session.cursor, eventTime);
    this.#growth.changed = true;
  }

  /** The book on this link is not to be trusted after `since` (null: since it began). */
  bookBroken(link: LinkLife, since: Us | null, reason: string): void {
    const session = this.#sessions.get(link.id);
    if (session?.valid !== true) return;
    this.settle();
    session.valid = false;
    const from = Math.max(since ?? session.start, session.start);
    if (from < link.heard) this.#lose(session, from, link.heard, reason);
    const carried = [...this.#sessions.values()].some(({ valid }) => valid);
    if (!carried) this.#growth.reason = reason;
    this.#growth.changed = true;
  }

  /** Something that the link carried was lost in [from, to). Ids, open times and sequences tell by themselves. */
  suspect(link: LinkLife, { from, to }: Stretch, reason: string): void {
    const session = this.#sessions.get(link.id);
    if (session === undefined || this.rules.evidence !== 'session') return;
    this.settle();
    this.#lose(session, Math.max(from, session.start), to, reason);
  }

  /** Items received in [from, to) could not be kept: nothing that they held is. */
  lost({ from, to }: Stretch, reason: string): void {
    const { evidence } = this.rules;
    if (evidence === 'ids' || evidence === 'candles' || this.#growth.knownTo === null) return;
    this.settle();
    for (const session of this.#sessions.values()) {
      session.cursor = Math.max(session.cursor, to);
      session.last = Math.max(session.last, to);
    }
    this.#polledAt = null;
    this.#growth.retract(from, to, reason);
  }

  /** An answer to a poll brought records of the series. */
  polled(at: Us): void {
    const { silenceUs, evidence } = this.rules;
    const growth = this.#growth;
    const since = this.#polledAt;
    this.#polledAt = at;
    growth.changed = true;
    if (evidence === 'ids' || evidence === 'candles') return;
    const within = since !== null && silenceUs !== null && at - since <= silenceUs;
    if (evidence === 'polls') {
      if (within) growth.cover(since, at);
      else if (since !== null) growth.missing(Math.max(since, growth.knownTo ?? since), at, 'not polled in time');
      growth.reason = null;
    } else if (within) {
      const reason = 'polled while the stream was out';
      growth.step({ mode: 'raise', from: since, to: at, state: 'sampled', reason });
    }
  }

  /** A record of a history that is coarser than the stream; nothing after `until` is told. */
  sampled(at: Us, until: Us): void {
    const every = this.rules.historyEveryUs;
    if (every === null) return;
    const reason = `the history of the venue has one record in ${every / 1e6} s`;
    this.#growth.step({ mode: 'raise', from: at, to: Math.min(at + every, until), state: 'sampled', reason });
  }

  /** A backfill of the stretch is over; `missing` is what it did not reach. Not `held`: its answers may be gone. */
  backfilled({ from, to }: Stretch, missing: readonly (Stretch & { readonly reason: string })[], held: boolean): void {
    // What is missing up to here gets its reason before the backfill gives a better one.
    this.settle();
    const growth = this.#growth;
    growth.flush();
    const explain = (part: Stretch, reason: string): void =>
      growth.step({ mode: 'explain', from: part.from, to: part.to, state: 'missing', reason });
    explain({ from, to }, 'not in the history of the venue');
    for (const part of missing) explain(part, part.reason);
    const { evidence, historyEveryUs } = this.rules;
    if (evidence === 'candles' || historyEveryUs !== null) return;
    const open = evidence === 'ids' ? this.#holes.all().map((h) => ({ from: h.after, to: h.before })) : [];
    for (const part of without({ from, to }, [...missing, ...open])) {
      const step = { ...part, state: 'backfilled', reason: null } as const;
      growth.step({ ...step, mode: 'raise', fetched: held });
      if (!held) growth.step({ ...step, mode: 'gone' });
    }
  }

  /** Brings the growing stretch up to what the links have heard. */
  settle(): void {
    for (const session of this.#sessions.values()) this.#settleSession(session);
  }

  /** Tells all that is known so far, the growing stretch included: this ledger goes on no more. */
  tell(): void {
    this.settle();
    this.#growth.flush();
    this.#growth.close();
  }

  /** To be called after each item: pieces that one answer filled are told together. */
  flush(): void {
    this.#growth.flush();
  }

  /** Where the series stands, when that changed since the last call; undefined otherwise, or when nothing is known. */
  takeHead(): CoverageHead | undefined {
    this.settle();
    const growth = this.#growth;
    growth.flush();
    if (!growth.changed) return undefined;
    growth.changed = false;
    const { knownTo } = growth;
    if (knownTo === null) return undefined;
    const silent = [...this.#sessions.values()].every((session) => this.#isSilent(session, session.link.heard));
    const reason = growth.reason ?? (silent && this.#sessions.size > 0 ? SILENT : null);
    const pendingUntil = silent && this.rules.evidence === 'session' ? knownTo : this.#pendingUntil(knownTo);
    return { ...this.key, run: growth.grown(), knownTo, pendingUntil, reason };
  }

  state(): SeriesState {
    this.settle();
    const growth = this.#growth;
    growth.flush();
    const { symbol, stream } = this.key;
    const { run, knownTo, reason } = growth;
    return {
      symbol,
      stream,
      run: run === null ? null : { ...run },
      knownTo,
      reason,
      newest: this.#newest === null ? null : { ...this.#newest },
      holes: [...this.#holes.all()],
      next: this.#next,
      polledAt: this.#polledAt,
      endsAt: this.#endsAt,
      sessions: [...this.#sessions.values()].map(({ link, ...session }) => ({ link: link.id, ...session })),
    };
  }

  restore(state: SeriesState, links: ReadonlyMap<string, LinkLife>): void {
    const growth = this.#growth;
    growth.run = state.run;
    growth.knownTo = state.knownTo;
    growth.reason = state.reason;
    growth.changed = true;
    this.#newest = state.newest;
    this.#holes.restore(state.holes);
    this.#next = state.next;
    this.#polledAt = state.polledAt;
    this.#endsAt ??= state.endsAt;
    this.#sessions.clear();
    this.#lastSession = undefined;
    for (const { link: id, ...session } of state.sessions) {
      const link = links.get(id);
      if (link !== undefined) this.#sessions.set(id, { link, ...session });
    }
  }

  #stateOf(origin: Origin): CoverageState {
    return origin === 'live' ? this.rules.state : 'backfilled';
  }

  #holeEnd(): Us {
    return this.#holes.all().at(-1)?.before ?? 0;
  }

  /** Ids show that [from, to) is whole, whatever the connections did meanwhile. */
  #proven(from: Us, to: Us, origin: Origin): void {
    if (from >= to) return;
    const growth = this.#growth;
    if (origin === 'backfill') {
      growth.filled(from, to, 'backfilled');
      growth.knownTo = Math.max(growth.knownTo ?? to, to);
      growth.changed = true;
      return;
    }
    if (growth.run === null || from > growth.run.to) this.settle();
    if (growth.run === null || from > growth.run.to) {
      growth.filled(from, to, this.rules.state);
      growth.cover(Math.max(from, growth.knownTo ?? from), to);
    } else growth.extend(from, to);
  }

  #isSilent(session: Session, at: Us): boolean {
    const { evidence, silenceUs } = this.rules;
    return evidence === 'session' && silenceUs !== null && at - session.last > silenceUs;
  }

  #settleSession(session: Session): void {
    const { heard } = session.link;
    if (this.rules.evidence === 'candles' || !session.valid || heard <= session.cursor) return;
    // Beyond the longest silence that is normal only the next record can tell.
    const to = this.#isSilent(session, heard) ? session.last + (this.rules.silenceUs ?? 0) : heard;
    const from = session.cursor;
    session.cursor = Math.max(from, to);
    this.#growth.cover(from, to);
  }

  /** What this session should have brought in [from, to) is not whole, unless another one brought it. */
  #lose(session: Session, from: Us, to: Us, reason: string): void {
    session.cursor = Math.max(session.cursor, to);
    const covers = (other: Session): boolean =>
      other !== session && other.valid && other.start <= from && other.link.heard >= to;
    if ([...this.#sessions.values()].some(covers)) return;
    this.#growth.retract(from, to, reason);
  }

  #pendingUntil(knownTo: Us): Us {
    const { evidence, silenceUs } = this.rules;
    const polled = this.#polledAt === null ? knownTo : this.#polledAt + (silenceUs ?? 0);
    if (evidence === 'polls') return Math.max(knownTo, polled);
    const alive = [...this.#sessions.values()].filter(({ valid }) => valid);
    if (evidence === 'candles') {
      const carried = alive.length > 0 || polled > knownTo + MINUTE_US;
      return carried ? knownTo + MINUTE_US + CANDLE_GRACE_US : knownTo;
    }
    return alive.reduce((until, { link }) => Math.max(until, link.heardAt + LIFE_US), knownTo);
  }
}

import type { Clock, Ms, Timer } from '../../../kit/clock.ts';
import { withoutOutside } from '../../../kit/outside.ts';
import { AppError, errorMessage, InvalidInput, Unavailable } from '../../../kit/errors.ts';
import { viewName, type SeriesKey } from '../../domain/records.ts';
import { models } from '../../forecast/catalogue.generated.ts';
import { forecastCloses, LEAST_CLOSES, MOST_CLOSES, type PriceForecast } from '../../forecast/price-forecast.ts';
import { driftOf, outcomeOf, recordOf, type Drift, type Outcome, type TrackRecord } from '../../forecast/track.ts';
import type { Collector } from '../../collect/contract.ts';
import type { MarketConfig } from '../../config.ts';
import type { MarketStore } from '../../store/contract.ts';
import type { EventSink } from '../../../kit/event.ts';
import type { Logger } from '../../../kit/logger.ts';
import { closesSince, MINUTE_US, newestCloses } from './closes.ts';

/** A candle that should have ended longer ago than this is missing: what is forecast then would be the past. */
const LATEST_US = 3 * MINUTE_US;
const MOST_OUTCOMES = 100;
/** How long after a forecast minute its candle is waited for. */
const PATIENCE_US = 10 * MINUTE_US;

interface ForecastServices {
  readonly store: MarketStore;
  readonly collector: Pick<Collector, 'status'>;
  readonly events: EventSink;
  readonly log: Logger;
  readonly config: Pick<MarketConfig, 'forecasts'>;
}

interface Tracked {
  readonly key: SeriesKey;
  last: PriceForecast | null;
  madeAt: Ms | null;
  made: number;
  /** Made, and not all of its minutes are over. */
  open: PriceForecast[];
  outcomes: Outcome[];
  drift: Drift;
  /** Why the last try made none; null when it made one. */
  problem: string | null;
}

export interface SeriesForecasts {
  readonly key: SeriesKey;
  readonly last: PriceForecast | null;
  readonly madeAt: Ms | null;
  readonly made: number;
  readonly open: number;
  readonly record: TrackRecord;
  readonly drift: Drift;
  readonly problem: string | null;
}

/**
 * Forecasts of every series of candles that is collected live, made anew each `market.forecasts.interval_seconds`, scored
 * when their minutes are over, and watched for drift. Kept in memory: a restart begins anew.
 */
export class StreamForecasts implements AsyncDisposable {
  readonly #services: ForecastServices;
  readonly #clock: Clock;
  readonly #tracked = new Map<string, Tracked>();
  readonly #timers = new Map<string, Timer>();
  /** The last of the rounds and checks, which follow each other: two at once would score a forecast twice. */
  #work: Promise<void> = Promise.resolve();
  #startedAt: Ms | null = null;
  #driftCheckedAt: Ms | null = null;
  #driftChecks = 0;

  /** `clock` is the market's: the simulator's where it goes faster. */
  constructor(services: ForecastServices, clock: Clock) {
    this.#services = services;
    this.#clock = clock;
  }

  get startedAt(): Ms | null {
    return this.#startedAt;
  }

  get driftCheckedAt(): Ms | null {
    return this.#driftCheckedAt;
  }

  get driftChecks(): number {
    return this.#driftChecks;
  }

  /** Begins the rounds. Without effect while they run, or where `market.forecasts.enabled` is false. */
  start(): void {
    if (this.#startedAt !== null || !this.#services.config.forecasts.enabled) return;
    this.#startedAt = this.#clock.now();
    this.#schedule();
  }

  /** Ends the rounds and waits for the one under way. */
  async stop(): Promise<void> {
    this.#startedAt = null;
    for (const timer of this.#timers.values()) timer.cancel();
    await this.idle();
  }

  /** When the rounds and checks under way have ended. */
  async idle(): Promise<void> {
    await this.#work.catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Changed intervals count from now on. */
  reschedule(): void {
    if (this.#startedAt === null) return;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#schedule();
  }

  /** Scores what is over and forecasts every live series of candles. */
  round(): Promise<void> {
    return this.#after(() => this.#round());
  }

  async #round(): Promise<void> {
    for (const series of this.#services.collector.status().series) {
      if (series.stream !== 'candles' || series.state !== 'live') continue;
      const { exchange, market, symbol, stream } = series;
      const tracked = this.#of({ exchange, market, symbol, stream });
      try {
        await this.#score(tracked);
        await this.#make(tracked);
        tracked.problem = null;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        tracked.problem = error.message;
      }
    }
  }

  /**
   * A forecast made now, by one model or by the best, of which no account is kept. Throws Unavailable where the series
   * holds fewer than 60 finished minutes in a row up to now, InvalidInput for a model that there is not.
   */
  async now(
    key: SeriesKey,
    asked: { readonly model?: string | undefined; readonly horizon: number },
  ): Promise<PriceForecast> {
    const chosen = asked.model === undefined ? models : models.filter((model) => model.name === asked.model);
    if (chosen.length === 0) {
      throw new InvalidInput(`there is no model '${asked.model}': ${models.map((model) => model.name).join(', ')}`);
    }
    return this.#compute(key, asked.horizon, chosen);
  }

  of(key: SeriesKey): SeriesForecasts | null {
    const tracked = this.#tracked.get(viewName(key));
    return tracked === undefined ? null : shown(tracked);
  }

  all(): readonly SeriesForecasts[] {
    return [...this.#tracked.values()].map(shown);
  }

  /** Compares the newest outcomes with those before; where they have become worse, an event says so once. */
  checkDrift(): Promise<void> {
    return this.#after(() => this.#checkDrift());
  }

  async #checkDrift(): Promise<void> {
    for (const tracked of this.#tracked.values()) {
      await this.#score(tracked);
      const before = tracked.drift.state;
      tracked.drift = driftOf(tracked.outcomes);
      if (tracked.drift.state !== 'drift' || before === 'drift') continue;
      const { exchange, market, symbol, stream } = tracked.key;
      this.#services.events.emit(
        'analysis.forecast_drift',
        { exchange, market, symbol, stream, ratio: tracked.drift.ratio, outcomes: tracked.outcomes.length },
        { source: 'forecasts' },
      );
    }
    this.#driftChecks++;
    this.#driftCheckedAt = this.#clock.now();
  }

  #after(work: () => Promise<void>): Promise<void> {
    const run = this.idle().then(work);
    this.#work = run;
    return run;
  }

  #of(key: SeriesKey): Tracked {
    const name = viewName(key);
    const found = this.#tracked.get(name);
    if (found !== undefined) return found;
    const drift: Drift = { state: 'too_few', ratio: null };
    const fresh: Tracked = { key, last: null, madeAt: null, made: 0, open: [], outcomes: [], drift, problem: null };
    this.#tracked.set(name, fresh);
    return fresh;
  }

  async #make(tracked: Tracked): Promise<PriceForecast> {
    const { key } = tracked;
    const forecast = await this.#compute(key, this.#services.config.forecasts.horizon_minutes, models);
    // Two of one minute would count the same outcome twice.
    const repeated = tracked.last?.origin === forecast.origin;
    tracked.last = forecast;
    tracked.madeAt = this.#clock.now();
    if (repeated) return forecast;
    tracked.made++;
    tracked.open.push(forecast);
    const { exchange, market, symbol, stream } = key;
    const { model, steps, price, origin, values } = forecast;
    this.#services.events.emit(
      'analysis.forecast_generated',
      {
        exchange,
        market,
        symbol,
        stream,
        model,
        horizon: steps.length,
        details: { origin_us: origin, price, forecast: steps.at(-1)?.price, closes: values },
      },
      { source: 'forecasts', priority: 3 },
    );
    return forecast;
  }

  async #compute(key: SeriesKey, horizon: number, chosen: typeof models): Promise<PriceForecast> {
    const now = this.#clock.now() * 1000;
    const { prices, end } = await newestCloses(this.#services, key, { now, most: MOST_CLOSES });
    const table = viewName(key);
    if (end === null || now - end > LATEST_US) {
      const last = end === null ? 'has none' : `has none since ${new Date(end / 1000).toISOString()}`;
      throw new Unavailable(`a forecast needs the finished candle of the last minute; ${table} ${last}`);
    }
    if (prices.length < LEAST_CLOSES) {
      throw new Unavailable(
        `a forecast needs ${LEAST_CLOSES} finished candles in a row, ${table} has ${prices.length}: request_backfill of candles brings the hour before, else ask in ${LEAST_CLOSES - prices.length} minutes`,
      );
    }
    return forecastCloses(prices, { origin: end, stepUs: MINUTE_US, horizon, models: chosen });
  }

  /** Moves forecasts whose minutes are over, or whose candles were waited for long enough, to the outcomes. */
  async #score(tracked: Tracked): Promise<void> {
    const now = this.#clock.now() * 1000;
    const over = tracked.open.filter((forecast) => endOf(forecast) < now);
    if (over.length === 0) return;
    const from = Math.min(...over.map((forecast) => forecast.origin));
    const closes = new Map(
      (await closesSince(this.#services, tracked.key, from, now)).map((c) => [c.opened + MINUTE_US, c.close]),
    );
    for (const forecast of over) {
      const outcome = outcomeOf(forecast, closes);
      const whole = outcome !== null && outcome.known === outcome.asked;
      if (!whole && now < endOf(forecast) + PATIENCE_US) continue;
      tracked.open = tracked.open.filter((other) => other !== forecast);
      if (outcome !== null) tracked.outcomes = [...tracked.outcomes, outcome].slice(-MOST_OUTCOMES);
    }
  }

  #schedule(): void {
    this.#repeat(
      'forecast',
      () => this.#services.config.forecasts.interval_seconds,
      () => this.round(),
    );
    this.#repeat(
      'drift',
      () => this.#services.config.forecasts.drift_check_seconds,
      () => this.checkDrift(),
    );
  }

  #repeat(name: string, seconds: () => number, work: () => Promise<void>): void {
    this.#timers.get(name)?.cancel();
    this.#timers.set(
      name,
      this.#clock.schedule(seconds() * 1000, () => {
        void work()
          .catch((error: unknown) => {
            this.#services.log.error('forecasts.failed', { what: name, error: withoutOutside(errorMessage(error)) });
          })
          .finally(() => {
            if (this.#startedAt !== null) this.#repeat(name, seconds, work);
          });
      }),
    );
  }
}

const endOf = (forecast: PriceForecast) => forecast.steps.at(-1)?.time ?? forecast.origin;

function shown({ key, last, madeAt, made, open, outcomes, drift, problem }: Tracked): SeriesForecasts {
  return { key, last, madeAt, made, open: open.length, record: recordOf(outcomes), drift, problem };
}

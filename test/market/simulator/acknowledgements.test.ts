import { expect, test } from 'vitest';
import { marketKey, STREAMS } from '../../../src/market/domain/records.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { createSimulatedMarkets } from '../../../src/market/simulator/model/market.ts';

const AT = Date.UTC(2026, 0, 5, 12);
const markets = venues.flatMap((venue) => venue.markets);
const models = createSimulatedMarkets({ seed: 7, symbols: ['BTCUSDT', 'ETHUSDT'], at: AT });

/** Markets whose subscriptions are not counted, and why. */
const UNCOUNTED: Readonly<Record<string, string>> = {
  pyth_oracle: 'the answer does not name the feed, and prices come at once',
};

test.each(markets.map((market) => [marketKey(market.exchange, market.market), market] as const))(
  '%s: as many acknowledgements are read as its plan counts on',
  (key, market) => {
    const venue = simulators.flat().find((s) => marketKey(s.exchange, s.market) === key);
    const model = models.get(key);
    if (venue === undefined || model === undefined) throw new Error(`${key} is not simulated`);
    const plans = market.plan(model.instruments, STREAMS);
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) {
      if (key in UNCOUNTED) {
        expect([key, plan.acknowledgements]).toEqual([key, undefined]);
        continue;
      }
      const decoder = market.createDecoder({ instruments: model.instruments });
      const replies = plan.subscribe.flatMap((text) => {
        const sent = plan.stamp?.(text, AT) ?? text;
        return venue.onFrame(model, sent, new Set()).reply;
      });
      const verdicts = replies.map((text) => decoder.frame(text, AT * 1000, () => undefined));
      const counted = verdicts.filter((v) => v.kind === 'control' && v.subscribed === true).length;
      expect([key, counted]).toEqual([key, plan.acknowledgements ?? (plan.subscribe.length === 0 ? 0 : -1)]);
    }
  },
);

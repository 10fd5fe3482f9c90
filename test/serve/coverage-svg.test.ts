import { expect, test } from 'vitest';
import { summarise } from '../../src/market/domain/coverage.ts';
import { coverageSvg } from '../../src/serve/cli/coverage-svg.ts';

const SECOND = 1_000_000;

test('a strip shows each state where it is, holes last, and escapes what venues say', () => {
  const key = { exchange: 'toy', market: 'spot', symbol: 'AAUSDT', stream: 'trades' } as const;
  const coverage = summarise(key, {
    from: 0,
    to: 100 * SECOND,
    now: 100 * SECOND,
    intervals: [
      { from: 0, to: 50 * SECOND, state: 'live', reason: null },
      { from: 50 * SECOND, to: 75 * SECOND, state: 'missing', reason: 'closed <1006> & gone' },
      { from: 75 * SECOND, to: 100 * SECOND, state: 'backfilled', reason: null },
    ],
    head: { knownTo: 100 * SECOND, pendingUntil: 100 * SECOND, reason: null },
    quarantinedRows: 0,
  });
  const svg = coverageSvg([coverage], 0, 100 * SECOND);
  expect(svg).toContain('aausdt_toy_spot_trades');
  expect(svg).toContain('missing: closed &lt;1006&gt; &amp; gone 1970-01-01T00:00:50.000Z');
  expect(svg).toContain('75.0 %');
  const widths = [...svg.matchAll(/width="([\d.]+)" height="16" fill="(#[0-9a-f]{6})"><title>(\w+)/g)];
  expect(widths.map(([, width, , state]) => [state, Number(width)])).toEqual([
    ['live', 380],
    ['backfilled', 190],
    ['missing', 190],
  ]);
  expect(svg.match(/<svg/g)).toHaveLength(1);
});

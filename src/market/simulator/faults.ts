import type { Ms } from '../../kit/clock.ts';
import { parseDuration } from '../../kit/duration.ts';
import { errorMessage, InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { marketKey } from '../domain/records.ts';
import { simulators } from './catalogue.generated.ts';

/** What can go wrong, what it does, and how long it lasts unless a duration is given (0: once). */
export const FAULTS = {
  disconnect: { does: 'drops the connections, and refuses new ones for the duration', durationMs: 0 },
  gap: { does: 'loses all frames sent meanwhile, silently', durationMs: 2000 },
  duplicate: { does: 'sends every frame twice', durationMs: 1000 },
  reorder: { does: 'lets frames be overtaken by the next of their channel', durationMs: 1000 },
  spike: { does: 'adds a best bid and ask, mark or ticker price of twice the value', durationMs: 0 },
  crossed: { does: 'puts a bid above the asks into a change of a book', durationMs: 0 },
  stale: { does: 'silences one channel that is never quiet by itself', durationMs: 30_000 },
  malformed: { does: 'cuts a frame in the middle, so that it is no JSON; its content is lost', durationMs: 0 },
  slow: { does: 'holds all frames back until the end of the duration', durationMs: 3000 },
  http429: { does: 'answers REST with 429 and Retry-After', durationMs: 3000 },
  http418: { does: 'answers REST with 418 (Bybit: 403), a ban, and Retry-After', durationMs: 5000 },
} as const satisfies Readonly<Record<string, { readonly does: string; readonly durationMs: Ms }>>;

export type FaultName = keyof typeof FAULTS;

/** One fault asked for. Times count in simulated ms from the first connection of a client. */
export interface FaultSpec {
  readonly name: FaultName;
  readonly offsetMs: Ms;
  readonly durationMs: Ms;
  /** Again after so long, for ever; null: once. */
  readonly everyMs: Ms | null;
  /** Market keys it concerns. */
  readonly targets: readonly string[];
}

const MARKET_KEYS = simulators.flat().map((m) => marketKey(m.exchange, m.market));

/**
 * Reads faults separated by commas. One is `name@offset[/duration][+every][:target]`:
 * `gap@8s/2s`, `disconnect@5s+60s`, `spike@20s:binance_futures`, `http429@30s/5s:bybit`. Offset, duration and period
 * are durations such as 250ms, 8s or 2m; a target is a market (`binance_futures`) or a venue (`bybit`), all when
 * absent. Throws InvalidInput that names the bad part and what would be valid.
 */
export function parseFaults(text: string): readonly FaultSpec[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length === 1 && parts[0] === '') return [];
  return parts.map(parseFault);
}

function parseFault(part: string): FaultSpec {
  const match = /^([^@]*)@([^/+:]*)(?:\/([^/+:]*))?(?:\+([^/+:]*))?(?::(.*))?$/.exec(part);
  const name = match?.[1] ?? part.split('@', 1)[0] ?? '';
  if (!isFaultName(name)) {
    const names = Object.keys(FAULTS);
    throw new InvalidInput(
      `fault '${part}': '${name}' is not a fault${didYouMean(name, names)}; there are ${names.join(', ')}`,
    );
  }
  if (match === null) {
    throw new InvalidInput(`fault '${part}': write name@offset[/duration][+every][:target], as in ${name}@5s`);
  }
  const [, , offset, duration, every, target] = match;
  const everyMs = every === undefined ? null : durationOf(part, 'period', every);
  const durationMs = duration === undefined ? FAULTS[name].durationMs : durationOf(part, 'duration', duration);
  if (everyMs !== null && everyMs <= durationMs) {
    throw new InvalidInput(`fault '${part}': the period ${every} must be longer than the duration, ${durationMs} ms`);
  }
  return {
    name,
    offsetMs: durationOf(part, 'offset', offset ?? ''),
    durationMs,
    everyMs,
    targets: targetsOf(part, target),
  };
}

function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

function durationOf(part: string, what: string, text: string): Ms {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidInput(`fault '${part}': ${what} ${errorMessage(error)}`, { cause: error });
  }
}

function targetsOf(part: string, target: string | undefined): readonly string[] {
  if (target === undefined) return MARKET_KEYS;
  const targets = MARKET_KEYS.filter((key) => key === target || key.startsWith(`${target}_`));
  if (targets.length > 0) return targets;
  const valid = [...new Set(simulators.flat().map((m) => m.exchange)), ...MARKET_KEYS];
  throw new InvalidInput(
    `fault '${part}': '${target}' is not a market${didYouMean(target, valid)}; there are ${valid.join(', ')}`,
  );
}

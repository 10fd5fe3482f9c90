import { InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';

/** What a venue market charges for a trade. Data of the venue's folder; a user's own rates come before it. */
export interface FeeSchedule {
  /** The tier of a new account first. */
  readonly tiers: readonly FeeTier[];
  /** Page that states them. */
  readonly source: string;
  /** Day on which the figures were compared with that page; null: from memory, not verified. */
  readonly checked: string | null;
  /** What the figures leave out: discounts, instruments that cost something else. */
  readonly note?: string | undefined;
}

/** Rates in percent of the value traded; negative: the venue pays. */
export interface FeeTier {
  readonly name: string;
  /** What it takes to be in it, as the venue says; null for the first, and where it is not known. */
  readonly requires: string | null;
  readonly maker_percent: number;
  readonly taker_percent: number;
}

/** A user's account at a venue market: the tier it is in, or rates that it was told. */
export interface OwnFees {
  readonly tier?: string | undefined;
  readonly maker_percent?: number | undefined;
  readonly taker_percent?: number | undefined;
}

export interface AppliedFees {
  readonly tier: string;
  readonly maker_percent: number;
  readonly taker_percent: number;
  /** `configured`: the user's own rates; `schedule`: the venue's list. */
  readonly origin: 'configured' | 'schedule';
  readonly source: string;
  readonly checked: string | null;
}

/** Rows of a tier table: name, requirement, maker and taker in percent. */
export function feeTiers(
  ...rows: readonly (readonly [name: string, requires: string | null, maker: number, taker: number])[]
): readonly FeeTier[] {
  return Object.freeze(
    rows.map(([name, requires, maker_percent, taker_percent]) =>
      Object.freeze({ name, requires, maker_percent, taker_percent }),
    ),
  );
}

/**
 * The rates of a trade: the user's own, else those of the user's tier, else of the first. Undefined where the market
 * has no schedule and the user gave no rates. Throws InvalidInput for a tier that the schedule does not have.
 */
export function feesOf(
  where: string,
  schedule: FeeSchedule | undefined,
  own: OwnFees | undefined,
): AppliedFees | undefined {
  const tier = tierOf(where, schedule, own?.tier);
  const maker = own?.maker_percent ?? tier?.maker_percent;
  const taker = own?.taker_percent ?? tier?.taker_percent;
  if (maker === undefined || taker === undefined) return undefined;
  const configured = own?.maker_percent !== undefined || own?.taker_percent !== undefined;
  return {
    tier: tier?.name ?? 'own',
    maker_percent: maker,
    taker_percent: taker,
    origin: configured ? 'configured' : 'schedule',
    source: configured ? 'market.fees of system.yaml' : (schedule?.source ?? ''),
    checked: configured ? null : (schedule?.checked ?? null),
  };
}

function tierOf(where: string, schedule: FeeSchedule | undefined, name: string | undefined): FeeTier | undefined {
  if (name === undefined) return schedule?.tiers[0];
  const found = schedule?.tiers.find((t) => t.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const names = schedule?.tiers.map((t) => t.name) ?? [];
  throw new InvalidInput(
    `${where} has no fee tier '${name}'${didYouMean(name, names)}; its tiers: ${names.length === 0 ? 'none' : names.join(', ')}. Give maker_percent and taker_percent instead`,
  );
}

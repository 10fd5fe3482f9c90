import type { Us } from '../../../kit/clock.ts';
import { msToUs } from '../../domain/records.ts';

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
/** Contracts of Deribit and Bybit are settled at 8:00 UTC of their day. */
const SETTLEMENT_HOUR = 8;

/** What the name of an option says. */
export interface OptionTerms {
  readonly type: 'call' | 'put';
  readonly strike: number;
  readonly expiry: Us;
}

/** 27JUN25 is 2025-06-27 at 8:00 UTC; undefined when it is no day. */
export function expiryOf(text: string): Us | undefined {
  const [, day = '', month = '', year = ''] = /^(\d{1,2})([A-Z]{3})(\d{2})$/.exec(text) ?? [];
  const index = MONTHS.indexOf(month);
  if (index < 0) return undefined;
  return msToUs(Date.UTC(2000 + Number(year), index, Number(day), SETTLEMENT_HOUR));
}

/** The same day as the venues write it: 27JUN25, 5JUN20. */
export function expiryText(expiry: Us): string {
  const day = new Date(expiry / 1000);
  return `${day.getUTCDate()}${MONTHS[day.getUTCMonth()] ?? ''}${String(day.getUTCFullYear() % 100).padStart(2, '0')}`;
}

import type { Us } from '../../../kit/clock.ts';
import { msToUs } from '../../domain/records.ts';

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
/** Contracts of Binance, Bybit, Deribit and OKX are settled at 8:00 UTC of their day. */
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
  return index < 0 ? undefined : settlementOf(year, index, day);
}

/** 250627 is the same day; undefined when it is no day. */
export function expiryOfDate(text: string): Us | undefined {
  const [, year = '', month = '', day = ''] = /^(\d{2})(\d{2})(\d{2})$/.exec(text) ?? [];
  const index = Number(month) - 1;
  return index < 0 || index > 11 || day === '' ? undefined : settlementOf(year, index, day);
}

function settlementOf(year: string, month: number, day: string): Us {
  return msToUs(Date.UTC(2000 + Number(year), month, Number(day), SETTLEMENT_HOUR));
}

/** The same day as OKX and Binance write it: 250627. */
export function expiryDate(expiry: Us): string {
  return new Date(expiry / 1000).toISOString().slice(2, 10).replaceAll('-', '');
}

/** The same day as the venues write it: 27JUN25, 5JUN20. */
export function expiryText(expiry: Us): string {
  const day = new Date(expiry / 1000);
  return `${day.getUTCDate()}${MONTHS[day.getUTCMonth()] ?? ''}${String(day.getUTCFullYear() % 100).padStart(2, '0')}`;
}

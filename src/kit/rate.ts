/** Least time from which a day is extrapolated, s. */
const LEAST_SECONDS = 60;
const DAY_SECONDS = 86_400;

/** An amount seen in `seconds`, extrapolated to a day; null below a minute, which tells too little. */
export function perDay(amount: number, seconds: number): number | null {
  return seconds < LEAST_SECONDS ? null : (amount / seconds) * DAY_SECONDS;
}

import { InvalidInput, Unavailable } from '../../kit/errors.ts';

/** A secret that a market wants with each request and each connection. Its value is in the environment alone. */
export interface MarketCredential {
  /** Environment variable that holds it: `PYTH_API_KEY`. */
  readonly variable: string;
  /** Header that carries it, and what stands before it there (`Bearer `). */
  readonly header: string;
  readonly prefix: string;
  /** False: the venue serves without it as well. */
  readonly required: boolean;
  /** Where one is had, for messages. */
  readonly from: string;
}

/** Value of a variable; undefined when it is not set. */
export type Credentials = (variable: string) => string | undefined;

/** What stands for every secret at the simulator, which refuses a request without it as the venue would. */
export const SIMULATED_SECRET = 'simulated';

/** The secrets of the simulator: no true one ever goes to it. */
export const simulatedCredentials: Credentials = () => SIMULATED_SECRET;

/** Secrets of an environment; blanks around them are cut off, an empty one is none. */
export function credentialsOf(environment: Readonly<Record<string, string | undefined>>): Credentials {
  return (variable) => {
    const value = environment[variable]?.trim();
    return value === '' ? undefined : value;
  };
}

/** What is needed of a market. */
interface Declaring {
  readonly exchange: string;
  readonly market: string;
  readonly addresses: Readonly<Record<string, string>>;
  readonly credential?: MarketCredential | undefined;
}

/**
 * The headers that a market's secret adds to a request or connection to `url`; none where it declares none. Where the
 * address was replaced (a provider, a server of one's own) it may be left out. Throws Unavailable when a required one is
 * missing at an address of the venue, naming the variable, and when it would go over the net unencrypted; InvalidInput
 * when it holds what a header cannot.
 */
export function credentialHeaders(market: Declaring, url: string, credentials: Credentials): Record<string, string> {
  const { credential } = market;
  if (credential === undefined) return {};
  const { variable, header, prefix, required, from } = credential;
  const value = credentials(variable);
  const { host, hostname, protocol } = new URL(url);
  const own = Object.values(market.addresses).some((address) => new URL(address).host === host);
  if (value === undefined) {
    if (!required || !own) return {};
    throw new Unavailable(
      `${market.exchange} ${market.market} wants a key: set the environment variable ${variable} (${from})`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new InvalidInput(`the environment variable ${variable} holds characters that no header can carry`);
  }
  const local = hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]';
  if (protocol !== 'https:' && protocol !== 'wss:' && !local) {
    throw new Unavailable(`${variable} is not sent to ${host}, which is not encrypted: use an https or wss address`);
  }
  return { [header]: `${prefix}${value}` };
}

/** Whether a market's secret is there, for people; null for a market that has none. Never tells the value. */
export function credentialState(market: Pick<Declaring, 'credential'>, credentials: Credentials) {
  const { credential } = market;
  if (credential === undefined) return null;
  const { variable, required, from } = credential;
  return { variable, required, set: credentials(variable) !== undefined, from };
}

/** Whether a request carries what the simulator takes for a market's secret. */
export function isAuthorised(
  market: Pick<Declaring, 'credential'>,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): boolean {
  const { credential } = market;
  if (credential?.required !== true) return true;
  return headers[credential.header.toLowerCase()] === `${credential.prefix}${SIMULATED_SECRET}`;
}

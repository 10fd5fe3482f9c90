import { openSocket, type Socket, type SocketClosed } from '../../infra/socket.ts';
import { safeUrl } from '../../infra/http.ts';
import { sleep, type Ms, type Timer, type Us } from '../../kit/clock.ts';
import { errorMessage, Unavailable } from '../../kit/errors.ts';
import type { ConnectionPlan, VenueMarket } from '../exchanges/contract.ts';
import { credentialHeaders } from '../exchanges/credential.ts';
import type { CollectEnvironment } from './environment.ts';

/** Protocol ping this often; an idle socket is cut after two without an answer. */
const PING_MS = 15_000;

/** One open socket of a planned connection. Its items are on the tape from `connected` to `disconnected`. */
export interface Link {
  readonly id: string;
  readonly connectedAt: Ms;
  frames: number;
  lastFrameAt: Us | null;
  readonly socket: Socket;
  /** Resolves when the socket is gone, whoever closed it. */
  readonly ended: Promise<SocketClosed>;
  /** Takes no more frames, writes the `disconnected` item and closes. */
  close(reason: string): Promise<void>;
}

/**
 * Opens the socket, puts `connected` on the tape and sends the subscriptions, at once or after the venue's first frame.
 * Throws what `openSocket` and `credentialHeaders` throw.
 */
export async function openLink(
  environment: CollectEnvironment,
  market: VenueMarket,
  plan: ConnectionPlan,
  url: string,
): Promise<Link> {
  const { clock, intake, config } = environment;
  const base = {
    connection: environment.nextConnectionId(`${market.exchange}_${market.market}`),
    exchange: market.exchange,
    market: market.market,
  };
  const { promise: ended, resolve: resolveEnded } = deferred<SocketClosed>();
  const early: Uint8Array[] = [];
  const timers: (Timer | undefined)[] = [];
  const life: { link?: Link; over: boolean } = { over: false };
  const finish = (reason: string): void => {
    if (life.over) return;
    life.over = true;
    for (const timer of timers) timer?.cancel();
    if (life.link === undefined) return;
    intake.push({ kind: 'disconnected', recv_time: intake.recvTime(), ...base, reason });
  };
  const receive = (bytes: Uint8Array): void => {
    const { link, over } = life;
    if (over) return;
    if (link === undefined) {
      early.push(bytes);
      return;
    }
    const recvTime = intake.recvTime();
    link.frames += 1;
    link.lastFrameAt = recvTime;
    intake.push({ kind: 'frame', recv_time: recvTime, ...base, bytes });
    if (link.frames === 1) greeted?.();
  };
  let greeted: (() => void) | undefined;
  const socket = await openSocket({
    url,
    headers: credentialHeaders(market, url, environment.credentials),
    clock,
    onFrame: receive,
    onClose: (info) => {
      finish(info.reason === '' ? `closed with code ${info.code}` : info.reason);
      resolveEnded(info);
    },
    connectTimeoutMs: config.connect_timeout_ms,
    pingMs: PING_MS,
    signal: environment.signal,
  });
  if (life.over) throw new Unavailable(`${safeUrl(url)} closed as soon as it was open`);
  // What a preparation gave has a token in its query.
  const shown = market.prepare === undefined ? url : safeUrl(url);
  const { series } = plan;
  const acknowledgements = plan.acknowledgements ?? (plan.subscribe.length === 0 ? 0 : undefined);
  intake.push({ kind: 'connected', recv_time: intake.recvTime(), ...base, url: shown, series, acknowledgements });
  const link: Link = {
    id: base.connection,
    connectedAt: clock.now(),
    frames: 0,
    lastFrameAt: null,
    socket,
    ended,
    close: async (reason) => {
      finish(reason);
      await socket.close(reason);
    },
  };
  life.link = link;
  const begin = (): void => {
    timers[1]?.cancel();
    subscribe(environment, market, plan, socket);
  };
  if (plan.awaitGreeting === true) {
    greeted = begin;
    timers[1] = clock.schedule(config.connect_timeout_ms, () => {
      void link.close(`the venue said nothing for ${config.connect_timeout_ms} ms`);
    });
  }
  for (const bytes of early.splice(0)) receive(bytes);
  if (plan.awaitGreeting !== true) begin();
  ping(environment, plan, socket, timers);
  return link;
}

/** Sends frames no faster than the venue allows. */
export function subscribe(
  environment: CollectEnvironment,
  market: VenueMarket,
  plan: Pick<ConnectionPlan, 'subscribe' | 'stamp'>,
  socket: Socket,
): void {
  const spacing = 1000 / Math.max(0.1, market.limits.messagesPerSecond);
  const [first, ...rest] = plan.subscribe;
  if (first === undefined) return;
  const send = (text: string): void => socket.send(stamped(environment, plan, text));
  send(first);
  const sendRest = async (): Promise<void> => {
    for (const text of rest) {
      await sleep(environment.clock, spacing, environment.signal);
      if (!socket.open) return;
      send(text);
    }
  };
  sendRest().catch((error: unknown) => {
    // The collector's stop ends the socket as well.
    if (!environment.signal.aborted) environment.log.error('collect.not_subscribed', { error: errorMessage(error) });
  });
}

function ping(
  environment: CollectEnvironment,
  plan: ConnectionPlan,
  socket: Socket,
  timers: (Timer | undefined)[],
): void {
  const { ping: application } = plan;
  if (application === null) return;
  const next = (): void => {
    timers[0] = environment.clock.schedule(application.everyMs, () => {
      if (!socket.open) return;
      socket.send(stamped(environment, plan, application.text));
      next();
    });
  };
  next();
}

function stamped(environment: CollectEnvironment, plan: Pick<ConnectionPlan, 'stamp'>, text: string): string {
  return plan.stamp?.(text, environment.clock.now()) ?? text;
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

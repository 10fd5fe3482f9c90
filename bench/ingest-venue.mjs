// A process that serves a Binance spot instrument list and sends `frames` frames in turn, each to the connection whose
// address names its stream, once all of them are named.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const frames = Number(process.argv[2]);
const symbols = (process.argv[3] ?? '').split(',');

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({
      symbols: symbols.map((symbol) => ({
        symbol,
        status: 'TRADING',
        baseAsset: symbol.replace('USDT', ''),
        quoteAsset: 'USDT',
        filters: [
          { filterType: 'PRICE_FILTER', tickSize: '0.01' },
          { filterType: 'LOT_SIZE', stepSize: '0.00001' },
        ],
      })),
    }),
  );
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
/** Who takes the frame n, by n modulo its length. @type {(import('ws').WebSocket | undefined)[]} */
const takers = symbols.flatMap(() => [undefined, undefined]);
/** When the first of them was sent: all connections have the same market. */
let base = 0;
let next = 0;
sockets.on('connection', (socket, request) => {
  const asked = new Set(new URL(request.url ?? '', 'ws://venue').searchParams.get('streams')?.split('/'));
  for (const [i, symbol] of symbols.entries()) {
    if (asked.has(`${symbol.toLowerCase()}@aggTrade`)) takers[2 * i] = socket;
    if (asked.has(`${symbol.toLowerCase()}@bookTicker`)) takers[2 * i + 1] = socket;
  }
  if (takers.includes(undefined)) return;
  base = Date.now();
  next = 0;
  setImmediate(pump);
});

function pump() {
  const all = [...new Set(takers)];
  while (next < frames && all.every((socket) => (socket?.bufferedAmount ?? 0) < 4_000_000)) {
    for (let i = 0; i < 200 && next < frames; next++, i++) takers[next % takers.length]?.send(frame(next));
  }
  if (next < frames) setImmediate(pump);
}

// A bench that fails does not leave its venue behind.
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0);
});

/** @param {number} n */
function frame(n) {
  const turn = Math.floor(n / 2);
  const symbol = symbols[turn % symbols.length] ?? 'BTCUSDT';
  const id = 1000 + Math.floor(turn / symbols.length);
  const lower = symbol.toLowerCase();
  const at = base + Math.floor(n / 100);
  const price = (60000 + (n % 1000) / 10).toFixed(2);
  if (n % 2 === 0) {
    return `{"stream":"${lower}@aggTrade","data":{"e":"aggTrade","E":${at},"s":"${symbol}","a":${id},"p":"${price}","q":"0.01200000","f":${n},"l":${n},"T":${at},"m":true,"M":true}}`;
  }
  return `{"stream":"${lower}@bookTicker","data":{"u":${100000 + n},"s":"${symbol}","b":"${price}","B":"1.25000000","a":"${price}","A":"0.75000000"}}`;
}

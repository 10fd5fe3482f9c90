import type { Command } from 'commander';
import { marketsOf } from '../../../market/collect/markets.ts';
import { marketKey, STREAMS } from '../../../market/domain/records.ts';
import { credentialsOf } from '../../../market/exchanges/credential.ts';
import { venues } from '../../../market/exchanges/catalogue.generated.ts';
import { marketSupport, supportText } from '../../../market/exchanges/support.ts';
import { contextOf } from '../context.ts';
import { printJson, printTable, type Column } from '../print.ts';

/** `crew venues ls` */
export function venuesList(command: Command): void {
  const { output } = contextOf(command);
  const { exchanges } = command.opts<{ exchanges?: readonly string[] }>();
  const chosen = new Set(marketsOf(venues, exchanges ?? ['all']).map((m) => marketKey(m.exchange, m.market)));
  const credentials = credentialsOf(process.env);
  const rows = marketSupport(venues)
    .filter(({ id, exchange }) => chosen.has(id) || exchanges?.includes(exchange) === true)
    .map((row) => ({
      ...row,
      credential:
        row.credential === null ? null : { ...row.credential, set: credentials(row.credential.variable) !== undefined },
    }));
  if (output.json) return printJson(output, rows);
  const columns: Column<(typeof rows)[number]>[] = [
    { title: 'MARKET', value: ({ id }) => id },
    ...STREAMS.map((stream) => ({
      title: stream.toUpperCase(),
      value: ({ streams }: (typeof rows)[number]) => supportText(streams[stream]),
    })),
    {
      title: 'STANDS IN',
      value: ({ stands_for: quotes }) =>
        Object.entries(quotes)
          .map(([asked, own]) => `${own} for ${asked}`)
          .join(', ') || null,
    },
    { title: 'KEY', value: ({ credential }) => keyText(credential) },
  ];
  printTable(output, rows, columns, 'there is no venue');
  output.write('\nws: WebSocket, rest: polled, +h: history can be fetched, –: the venue does not offer it\n');
}

/** `PYTH_API_KEY (not set)`; null for a market that wants none. */
function keyText(
  credential: { readonly variable: string; readonly required: boolean; readonly set: boolean } | null,
): string | null {
  if (credential === null) return null;
  return `${credential.variable} (${credential.set ? 'set' : credential.required ? 'not set' : 'not set, optional'})`;
}

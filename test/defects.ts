/**
 * Defects that systems of this kind had, and the tests that fail when we have them. `defects.test.ts` holds the table
 * to the test files: a test that is renamed, skipped or deleted takes its row with it.
 */
export interface Defect {
  readonly area: 'framework' | 'desk' | 'made up' | 'never worked' | 'collecting' | 'numbers' | 'safety' | 'documents';
  readonly defect: string;
  /** Files under `test/`, each with titles of its tests. */
  readonly tests: Readonly<Record<string, readonly string[]>>;
}

const FRAMEWORK: readonly Defect[] = [
  {
    area: 'framework',
    defect: 'the state of flows, messages and metrics could not be written at all',
    tests: { 'crew/state/records.test.ts': ['keeps flow state, messages and metrics'] },
  },
  {
    area: 'framework',
    defect: 'the bus delivered twice, knew no priority and lost its queue at a stop',
    tests: {
      'events/original-defects.test.ts': [
        'does not deliver an event of the time before the start twice',
        'hands priorities 1, 10, 5 over as 10, 5, 1',
        'delivers all of 500 events when it is stopped right after them',
      ],
    },
  },
  {
    area: 'framework',
    defect: 'a tool that was not registered, a missing check or an error in it let a call pass',
    tests: {
      'kit/pipeline.test.ts': [
        'denies when the permission check itself throws',
        'tells a caller that may see nothing neither names nor whether a tool exists',
      ],
      'crew/permission/gate.test.ts': [
        'denies when something throws inside the check',
        'denies more than the role grants, and what it does not name',
      ],
    },
  },
  {
    area: 'framework',
    defect: 'shadow mode passed by the permission',
    tests: { 'kit/pipeline.test.ts': ['checks permission and input first'] },
  },
  {
    area: 'framework',
    defect: 'the crew that ships had no right to its own tools',
    tests: {
      'crews/shipped.test.ts': [
        'every tool of an agent is granted to it, and no agent lacks tools',
        'the roles keep the agents apart, by list and by role',
      ],
    },
  },
  {
    area: 'framework',
    defect: 'a controller had no agents and no crews, could not restart, was never healthy and ignored shadow mode',
    tests: {
      'serve/controller.test.ts': ['goes through its states, works, pauses, stops and starts again'],
      'crews/data-ops.test.ts': [
        'in shadow mode a spike, a gap and a broken connection are proposed for repair, and nothing is changed',
      ],
    },
  },
  {
    area: 'framework',
    defect: 'the rate limit let concurrent callers through, counted by tool and not by exchange, and was by-passed',
    tests: {
      'kit/rate-gate.test.ts': ['never passes more than burst + rate × time in any window, however many call'],
      'kit/pipeline.test.ts': ['limits by key over all tools that share it'],
      'infra/rate-limit.test.ts': ['never more than the limit in any minute'],
    },
  },
  {
    area: 'framework',
    defect: 'a tool registered twice was counted twice',
    tests: {
      'kit/pipeline.test.ts': ['refuses two tools with one name'],
      'market/tools/contract.test.ts': ['every name that the crew is described by is a tool or an alias, each once'],
    },
  },
  {
    area: 'framework',
    defect: 'a task could not find its agent, and its result was a placeholder',
    tests: {
      'crew/config/load.test.ts': ['lists every issue of every file at once, in order, with places'],
      'crew/run/runner.test.ts': ['gives one document with everything that happened'],
    },
  },
  {
    area: 'framework',
    defect: 'behaviours called tasks that do not exist, saw no value in thresholds, and no event reached them',
    tests: {
      'crews/data-ops.test.ts': ['each one runs by hand, and every call it makes is allowed and well formed'],
      'crew/behaviour/engine.test.ts': [
        'over a threshold fires with its value; unknown values do nothing',
        'fires when it fits, and cools down per key',
      ],
    },
  },
  {
    area: 'framework',
    defect: 'one thing had two event names, and what was queued under one field was read from another',
    tests: {
      'events/original-defects.test.ts': ['has one name for a thing: the names that the original mixed up are refused'],
    },
  },
  {
    area: 'framework',
    defect: 'a method defined twice dropped the bridge: what collecting went through never reached the crew',
    tests: {
      'market/jobs/recorder.test.ts': ['each thing that the collector tells becomes an issue'],
      'crew/run/continuous.test.ts': [
        'runs a task for an event, under the crew’s own name for it, with inputs from it',
      ],
      'e2e/truth.test.ts': ['is the truth, and every fault was told'],
    },
  },
  {
    area: 'framework',
    defect: 'the documented way to make a crew took parameters that did not exist',
    tests: {
      'e2e/example.test.ts': ['runs a crew in code', 'embeds the desk with a tool of its own'],
      'e2e/package.test.ts': ['type-checks in a strict consumer'],
    },
  },
  {
    area: 'framework',
    defect: 'an error inside a tool was wrapped as a success',
    tests: {
      'kit/pipeline.test.ts': ['gives expected errors to the caller as they are'],
      'crews/data-ops.test.ts': ['a failing call makes the behaviour fail'],
      'serve/mcp/desk.test.ts': ['refuses a reader what has effects, as a result that says so'],
    },
  },
  {
    area: 'framework',
    defect: 'an absence without a source of data always fired',
    tests: {
      'crew/behaviour/engine.test.ts': [
        'a sampled threshold and a sampled absence go by what is known',
        'that stays away fires once, until it was seen again',
      ],
    },
  },
  {
    area: 'framework',
    defect: 'no tunable of the configuration was read by anything',
    tests: {
      'crew/config/keys.test.ts': ['has an effect: %s', 'is found by a search that can fail'],
    },
  },
];

const DESK: readonly Defect[] = [
  {
    area: 'desk',
    defect: 'the validation rules existed in three versions that contradicted each other',
    tests: {
      'market/tools/settings.test.ts': [
        'every rule of the schemas that is a number can be changed',
        'a validation rule that is changed judges at once, outlives a restart, and goes back',
      ],
      'market/jobs/recorder.test.ts': [
        'a price that looked wrong as it came is judged once it is stored, by the rule of the validator',
      ],
    },
  },
  {
    area: 'desk',
    defect: 'a critical escalation lowered the health score for ever, and none could be resolved by its id',
    tests: {
      'market/jobs/jobs.test.ts': ['a critical of long ago does not lower the score for ever, a recent one does'],
      'market/tools/effects.test.ts': ['escalations are raised, acknowledged and resolved by id'],
    },
  },
  {
    area: 'desk',
    defect: 'vacuum was said to recover space and recovered none',
    tests: {
      'market/tools/effects.test.ts': ['optimising tells what the file really gave back'],
      'infra/database.test.ts': ['rewrites the file while it is used, and gives the bytes back'],
    },
  },
  {
    area: 'desk',
    defect: 'quarantine, interpolation, aggregation and normalisation moved and wrote nothing',
    tests: {
      'market/store/quarantine.test.ts': ['moves rows out of the view, keeps them, and puts them back'],
      'market/jobs/jobs.test.ts': [
        'history first; what it does not reach is filled by rule in the cleaned copy, and logged',
      ],
      'market/store/derived.test.ts': [
        'aggregates minutes to longer candles and marks those that are not whole',
        'writes normalised copies: UTC ms, eight decimals, plain symbols',
      ],
    },
  },
  {
    area: 'desk',
    defect: 'negative funding was never compared, and gaps at the edges were not seen',
    tests: {
      'market/jobs/checks.test.ts': [
        'funding is compared over 8 h whatever the interval, negative rates too',
        'leading, inner and trailing',
      ],
    },
  },
  {
    area: 'desk',
    defect: 'missing data counted as valid',
    tests: { 'market/jobs/checks.test.ts': ['too few samples or a constant history give no score, and say why'] },
  },
];

const MADE_UP: readonly Defect[] = [
  {
    area: 'made up',
    defect: 'quotes, indices and ratios that a venue did not send were made from what was there, or set to nought',
    tests: {
      'market/domain/columns.test.ts': [
        'gives null, not a guess, when an input is missing',
        'lays the book out by level and leaves what is not there null',
        'keeps the one price of an oracle and its confidence, and no sides',
      ],
      'market/tools/live-history.test.ts': ['without an index there is no premium'],
      'market/exchanges/decode.test.ts': ['gives null for what depends on instruments when it has none'],
    },
  },
  {
    area: 'made up',
    defect: 'a tool for trades gave a book and a note',
    tests: {
      'market/exchanges/hyperliquid/endpoints.test.ts': ['give trades, where the original gave a book and a note'],
    },
  },
  {
    area: 'made up',
    defect: 'tools answered from default inputs when there was no data',
    tests: {
      'market/tools/live-history.test.ts': ['what is not stored is named'],
      'market/tools/effects.test.ts': ['a stale book is never shown, and a missing value is null with its reason'],
      'market/tools/coverage.test.ts': ['below the bound it is refused, with the hole and the remedy'],
    },
  },
  {
    area: 'made up',
    defect: 'a dashboard filled missing fields with plausible values, so that an empty system looked alive',
    tests: { 'market/jobs/checks.test.ts': ['a freshly built system with nothing connected scores 70'] },
  },
];

const NEVER_WORKED: readonly Defect[] = [
  {
    area: 'never worked',
    defect:
      'tools called functions with arguments that these did not take, read columns that do not exist, or recursed',
    tests: {
      'market/tools/contract.test.ts': [
        'reading and previewing change nothing; examples give what the output says',
        'describes itself: inputs, an example that parses, a summary, a preview of effects',
      ],
      'serve/mcp/desk.test.ts': ['lists every tool with its output schema, which the results of reading tools keep'],
    },
  },
  {
    area: 'never worked',
    defect: 'symbols were not translated for a venue, and the error was swallowed: silently nothing',
    tests: {
      'market/tools/exchange.test.ts': [
        'symbols: canonical, the venue’s own, a base coin; unknown ones name the nearest',
        'several groups, several symbols: one answer, what fails is named and makes it incomplete',
        'a refusal of the venue keeps its code; a body that is not as documented names the field',
      ],
    },
  },
  {
    area: 'never worked',
    defect: 'liquidations were asked of a signed endpoint without keys',
    tests: {
      'market/tools/exchange.test.ts': [
        'liquidations that nobody collects are unsupported, with the remedy; collected ones come from the store',
      ],
    },
  },
  {
    area: 'never worked',
    defect: 'agents and dashboards named tools that did not exist',
    tests: {
      'crews/shipped.test.ts': ['loads without issue or warning, with its agents, tasks and crews'],
      'market/tools/contract.test.ts': ['a file is one tool and bears its name'],
    },
  },
  {
    area: 'never worked',
    defect: 'HTTP answered 200 with an error inside',
    tests: {
      'serve/control.test.ts': ['carries values, typed errors, progress and events'],
      'market/exchanges/venues.test.ts': ['explains blocked regions, bans and limits, and takes data for data'],
    },
  },
  {
    area: 'never worked',
    defect: 'Kraken’s contracts had names that do not exist, and its books were read without their order',
    tests: {
      'market/exchanges/kraken/endpoints.test.ts': ['take the pair as %s'],
      'market/exchanges/kraken/recorded.test.ts': [
        'spot books of depth 1000: every checksum is the one that our book gives',
      ],
    },
  },
];

const COLLECTING: readonly Defect[] = [
  {
    area: 'collecting',
    defect: 'writer and readers had three schemas that did not fit each other',
    tests: {
      'market/domain/columns.test.ts': ['%s gives a value for every column, of its type'],
      'market/store/market-store.test.ts': ['stores a record of every stream and shows it in its view'],
    },
  },
  {
    area: 'collecting',
    defect: 'rows bore the time of receipt and ids of the process, so that a reconnect stored them twice',
    tests: {
      'market/store/market-store.test.ts': ['keeps one row of what comes twice, in one batch or two'],
      'e2e/truth.test.ts': ['is the truth, and every fault was told'],
      'e2e/kill.test.ts': ['loses nothing acknowledged and stores nothing twice over ${KILLS} kills'],
    },
  },
  {
    area: 'collecting',
    defect: 'a slow disk pushed back on nothing and lost rows without a count',
    tests: {
      'market/collect/shortage.test.ts': [
        'a store without space keeps rows waiting, shows it, and gets each of them once when it can again',
        'a full disk under the tape stops commits, is told, and nothing is missing when there is space again',
      ],
    },
  },
  {
    area: 'collecting',
    defect: 'changes of a book or a ticker were stored as whole ones',
    tests: {
      'market/collect/books.test.ts': ['equal what a map of prices holds, whatever happens'],
      'market/collect/recorded.test.ts': ['$market: the best prices equal bookTicker after every change'],
      'market/simulator/round-trip.test.ts': ['reads every frame, and reads what is true'],
    },
  },
  {
    area: 'collecting',
    defect: 'no gap in a book’s sequence was noticed, and a stale book was read as valid',
    tests: {
      'market/collect/collector.test.ts': ['a gap in a book makes it unreadable at once and asks for a snapshot'],
      'market/collect/recorded.test.ts': ['losing any one change is noticed at once'],
    },
  },
  {
    area: 'collecting',
    defect: 'sizes in contracts and in coins were mixed',
    tests: {
      'market/exchanges/okx/endpoints.test.ts': ['count in base units and tell quote values'],
      'market/exchanges/gateio/endpoints.test.ts': ['count in base units and tell quote values'],
      'market/exchanges/kucoin/rest.test.ts': ['contracts become base units; the running candle is not closed'],
      'market/exchanges/kraken/rest.test.ts': [
        'futures tickers: what is no contract is left out; inverse interest becomes base units',
      ],
      'market/exchanges/deribit/endpoints.test.ts': ['tell inverse amounts in base units and in dollars'],
    },
  },
  {
    area: 'collecting',
    defect: 'the side of a liquidation was inverted',
    tests: {
      'market/tools/live-history.test.ts': [
        'liquidations: the side is the position’s; only collected ones, and without them a remedy',
      ],
      'market/exchanges/recorded/crypto-msg-parser.test.ts': ['%s frames decode to the reference'],
    },
  },
  {
    area: 'collecting',
    defect: 'candles were stamped with the present and stored three times a minute',
    tests: {
      'market/store/market-store.test.ts': ['replaces a candle until it is closed'],
      'market/exchanges/binance/rest.test.ts': ['reads candles, closed when their end has passed'],
      'market/exchanges/kucoin/rest.test.ts': [
        'reads spot candles backwards and futures candles forwards while pages come full',
      ],
    },
  },
  {
    area: 'collecting',
    defect: 'no pings were sent, no connection was rotated, and one that fell silent was not noticed',
    tests: {
      'market/collect/collector.test.ts': [
        'subscriptions and pings bear the time of sending where the venue wants it',
        'rotation opens the next connection before it drops the old one, and loses nothing',
        'a series that falls silent is stale, is told, and its connection is opened anew',
      ],
    },
  },
  {
    area: 'collecting',
    defect: 'limits of the venues were not honoured, and every poll made a connection of its own',
    tests: {
      'market/collect/collector.test.ts': ['a 429 with Retry-After is honoured'],
      'infra/http.test.ts': ['a 429 blocks its host for all, and the log has no query'],
    },
  },
  {
    area: 'collecting',
    defect: 'retention and backup were flags that nothing obeyed',
    tests: {
      'market/store/maintenance.test.ts': ['takes old days out of the views, and brings them back equal'],
      'market/collect/prune.test.ts': ['the oldest segments go first, as planned; what the store still needs stays'],
      'events/ops/retention.test.ts': ['deletes what is old and closed, and keeps what is open, known or young'],
      'serve/backup.test.ts': ['a backup holds rows, coverage and operations of one moment, and gives them back'],
    },
  },
  {
    area: 'collecting',
    defect: 'a clock set back or forward disturbed what was collected',
    tests: { 'market/collect/shortage.test.ts': ['a clock that jumps by %i ms does not disturb collecting'] },
  },
];

const NUMBERS: readonly Defect[] = [
  {
    area: 'numbers',
    defect:
      'funding was annualised as if it were paid every 8 h everywhere, and Kraken’s absolute rate read as relative',
    tests: {
      'market/tools/live-history.test.ts': [
        'funding of each venue on its own interval, per 8 h and a year; a settled rate says so',
      ],
      'market/jobs/arbitrage/arbitrage.test.ts': ['each contract on its own interval: the worked example'],
      'market/exchanges/kraken/rest.test.ts': ['funding is the relative rate, per hour'],
    },
  },
  {
    area: 'numbers',
    defect: 'open interest of venues in different units was added up',
    tests: {
      'market/tools/live-history.test.ts': [
        'open interest in base units everywhere, shares of one total; contracts in other units are converted',
      ],
    },
  },
  {
    area: 'numbers',
    defect: 'volatility was annualised by the days of another market, whatever the bar',
    tests: {
      'market/jobs/history/history.test.ts': [
        'the worked example, a year by 365 days; too few are not told',
        'volatility does not depend on the unit of price',
      ],
    },
  },
  {
    area: 'numbers',
    defect: 'a test for outliers measured the tested value by itself',
    tests: {
      'market/jobs/history/history.test.ts': [
        'a jump is not measured by itself; a gap gives no return; what is not known has a reason',
        'distance: the value is not among those it is compared with; equal and few ones say nothing',
      ],
      'market/jobs/checks.test.ts': ['a spike is found and does not enter the average'],
    },
  },
  {
    area: 'numbers',
    defect: 'arbitrage knew no fees and no depth',
    tests: {
      'market/jobs/arbitrage/arbitrage.test.ts': [
        'fees turn a spread on top of the book into a loss',
        'size at depth: what the best level promises is not what ten times its size brings',
      ],
    },
  },
  {
    area: 'numbers',
    defect: 'arbitrage took an oracle for a venue, mixed USD with USDT, and used prices however old',
    tests: {
      'market/tools/arbitrage.test.ts': [
        'an oracle has a price and is no market',
        'a contract in USD is not one in USDT: without a rate it is not compared, and the answer says so',
        'a book older than its bound is left out and named',
      ],
    },
  },
  {
    area: 'numbers',
    defect: 'the change of open interest and the figures of a day came from what happened to be in memory',
    tests: {
      'market/store/market-store.test.ts': ['computes the change of open interest over an hour from its own history'],
      'market/tools/live-history.test.ts': [
        'prices: figures of all rows though only some are listed, and the coverage of what was used',
      ],
    },
  },
];

const SAFETY: readonly Defect[] = [
  {
    area: 'safety',
    defect: 'SQL was put together from symbols and table names, and anyone could run any statement',
    tests: {
      'market/store/market-store.test.ts': [
        'lets no name into SQL that is not plain',
        'opens nothing to SQL but its own rows and days',
      ],
      'infra/database.test.ts': [
        'lets a user read and nothing else',
        'finds what changes or writes inside a statement that looks like reading',
      ],
      'market/tools/contract.test.ts': [
        'hostile texts are refused or answered by a typed error, and the store stays whole',
      ],
    },
  },
  {
    area: 'safety',
    defect: 'stored data could be deleted without anyone being asked',
    tests: {
      'crews/shipped.test.ts': ['what needs approval is asked for, what the agents may do alone is not'],
      'market/store/maintenance.test.ts': ['deletes a derived table and never a raw one'],
    },
  },
  {
    area: 'safety',
    defect: 'HTTP answered pages of any origin, without a token or a bound',
    tests: {
      'serve/mcp/desk.test.ts': ['refuses pages of other sites', 'needs a token beyond loopback, and the right one'],
      'serve/control.test.ts': ['refuses a wrong token, an unknown method and a taken port'],
    },
  },
  {
    area: 'safety',
    defect: 'text went into XML as it was',
    tests: { 'serve/mcp/desk.test.ts': ['calls a reading tool: structured data with provenance, and escaped XML'] },
  },
  {
    area: 'safety',
    defect: 'state of the process was shared: two of a thing disturbed each other',
    tests: {
      'serve/controller.test.ts': [
        'lets two controllers with their own folders run in one process, and refuses a second on the same folder',
      ],
    },
  },
  {
    area: 'safety',
    defect: 'errors were caught, all of them, and told to nobody',
    tests: {
      'crew/audit/log.test.ts': ['keeps rows that the disk did not take and writes them later'],
      'serve/controller.test.ts': [
        'takes up the run that waited for a settled effect, and tells when it cannot go on',
        'is not healthy while the disk is full, and says so; healthy again once there is room',
      ],
      'serve/backup.test.ts': ['a newest backup that cannot be read shares nothing, and the next one says so'],
    },
  },
  {
    area: 'safety',
    defect: 'a frame that is no frame stopped a collector or became a row',
    tests: {
      'market/exchanges/mutations.test.ts': ['%s: ${MUTATIONS} never throw and never make a bad record'],
      'market/collect/collector.test.ts': ['frames that cannot be read are counted and told once, and nothing stops'],
    },
  },
];

const DOCUMENTS: readonly Defect[] = [
  {
    area: 'documents',
    defect: 'documents named commands that do not exist',
    tests: { 'docs.test.ts': ['shows commands and options that there are: %s'] },
  },
  {
    area: 'documents',
    defect: 'documents linked files that do not exist',
    tests: { 'docs.test.ts': ['links files that there are: %s'] },
  },
  {
    area: 'documents',
    defect: 'the numbers of tools, keys and venues in documents were not those of the code',
    tests: {
      'serve/generated-files.test.ts': [
        '%s is up to date (npm run docs)',
        'the blocks of %s are up to date (npm run docs)',
      ],
    },
  },
];

export const DEFECTS: readonly Defect[] = [
  ...FRAMEWORK,
  ...DESK,
  ...MADE_UP,
  ...NEVER_WORKED,
  ...COLLECTING,
  ...NUMBERS,
  ...SAFETY,
  ...DOCUMENTS,
];

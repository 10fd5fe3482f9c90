/** Which folder may import which. Each rule says what to do instead. */
const no = (name, comment, from, to, extra = {}) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from, ...extra.from },
  to: { path: to, ...extra.to },
});
const maths = '^src/market/(features|analytics|forecast|structure|risk|backtest)/';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', comment: 'split the shared part out, downwards', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', comment: 'a path that leads nowhere', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'not in a catalogue? run npm run gen; else delete it',
      from: { orphan: true, pathNot: ['\\.d\\.ts$', '^crews/', '^src/[^/]+/index\\.ts$', 'worker\\.mjs$', '\\.cjs$'] },
      to: {},
    },
    no('not-to-test', 'move the helper to src/kit or keep it in test', '^(src|crews)/', '^test/'),
    {
      name: 'not-to-dev-dep',
      severity: 'error',
      comment: 'declare it in dependencies',
      from: { path: '^(src|crews)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    no('kit-knows-nobody', 'kit is the contract', '^src/kit/', '^(src/(infra|market|crew|events|serve|testing)|crews)/'),
    no('infra-knows-kit', 'infra has no domain', '^src/infra/', '^(src/(market|crew|events|serve|testing)|crews)/'),
    no('market-alone', 'the platform runs without agents', '^src/market/', '^(src/(crew|events|serve|testing)|crews)/'),
    no('crew-alone', 'the framework knows no markets', '^src/crew/', '^(src/(market|events|serve|testing)|crews)/'),
    no('events-alone', 'the log knows no one', '^src/events/', '^(src/(market|crew|serve|testing)|crews)/'),
    no('crews-by-the-front-door', 'crews are written against the public entry', '^crews/', '^src/', {
      to: { pathNot: '^src/crew/index\\.ts$' },
    }),
    no('domain-first', 'domain is the vocabulary', '^src/market/domain/', '^src/(infra|market/(?!domain/))'),
    no('venue-sees-domain', 'a venue translates, nothing more', '^src/market/exchanges/', '^src/market/(?!domain/|exchanges/)'),
    no('venues-apart', 'share through exchanges/shared', '^src/market/exchanges/([^/]+)/', '^src/market/exchanges/[^/]+/', {
      to: { pathNot: '^src/market/exchanges/($1|shared)/' },
    }),
    no('store-sees-domain', 'tables know no stage', '^src/market/store/', '^src/market/(?!domain/|store/|config\\.ts$)'),
    no('maths-is-pure', 'pass arrays in', maths, '^src/(infra/|market/(exchanges|collect|store|jobs|tools)/)'),
    { name: 'maths-no-io', severity: 'error', comment: 'no npm or Node module in maths', from: { path: maths }, to: { dependencyTypes: ['core', 'npm'] } },
    no('tools-last', 'nothing in market calls a tool', '^src/market/(?!tools/|index\\.ts$)', '^src/market/tools/'),
    no('tools-apart', 'share in tools/shared', '^src/market/tools/[^/]+/', '^src/market/tools/[^/]+/', {
      to: { pathNot: '^src/market/tools/shared/' },
    }),
    no('driver-in-infra', 'use infra/duckdb, infra/socket, infra/http', '^(src/(?!infra/)|crews/)', '(^|node_modules/)(@duckdb|ws|undici|https-proxy-agent)/'),
    no('langgraph-in-crew', 'only crew (and the test kit) speaks LangGraph', '^(src/(?!crew/|testing/)|crews/)', '(^|node_modules/)@langchain/'),
    no('mcp-in-serve', 'only serve/mcp and crew/mcp speak MCP', '^(src/(?!serve/mcp/|crew/mcp/)|crews/)', '(^|node_modules/)@modelcontextprotocol/'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};

import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasConfig, loadConfig } from '../../../src/crew/config/load.ts';
import { ConfigInvalid } from '../../../src/kit/errors.ts';
import { folder, issuesOf, load, sections } from './folder.ts';

const agent = (id: string, more = ''): string => `
${id}:
  role: r
  goal: g
  backstory: b
${more}`;
const task = (id: string, more = ''): string => `
${id}:
  description: d
  expected_output: e
  agent: writer
${more}`;

describe('loading a configuration', () => {
  it('gives defaults for everything that is not said', () => {
    const config = load({ 'system.yaml': '' });
    expect(config.system).toMatchObject({
      version: 1,
      model: { default: 'playbook', timeout_seconds: 60 },
      approvals: { categories: ['streaming_control', 'system_config', 'database_write'], timeout_seconds: 300 },
      serve: { role: 'operator' },
      mcp: { role: 'reader' },
    });
    expect(config.roles.map((r) => r.id)).toEqual(['operator', 'reader']);
    expect(config.sections.market).toEqual({
      source: 'sim',
      collect: { flush_interval_ms: 1000 },
      symbols: ['BTCUSDT'],
    });
    expect([config.agents, config.tasks, config.crews, config.overrides, config.warnings]).toEqual([
      [],
      [],
      [],
      [],
      [],
    ]);
    expect(Object.isFrozen(config.system.model) && Object.isFrozen(config.sections.market.symbols)).toBe(true);
  });

  it('says so when there is nothing', () => {
    const empty = mkdtempSync(join(tmpdir(), 'crew-config-'));
    expect(hasConfig(empty)).toBe(false);
    expect(() => loadConfig({ dir: empty, env: {}, sections: {} })).toThrow(
      /no configuration here: none of system.yaml/,
    );
  });

  it('reads agents, tasks, crews, roles and overrides', () => {
    const config = load({
      'system.yaml': `
        roles:
          collector: { exchange_data: READ_ONLY }
          operator: { exchange_data: ADMIN }
          reader: {}
        overrides:
          - { agent: writer, tool: fill_gaps, level: WRITE, expires_at: 2026-12-01T00:00:00Z, granted_by: ada, reason: trial }
        market:
          collect:
            flush_interval_ms: 250`,
      'agents.yaml': `
        writer:
          role: Writer
          goal: Write
          backstory: >
            Long
            lines
          llm: openai/gpt-5
          permission_role: collector
          tools:
            - status_of_old
            - get_status
            - fill_gaps
          stream: true
          approval_required: [fill_gaps]`,
      'tasks.yaml': `
        draft:
          description: Draft on {topic}
          expected_output: A draft
          agent: writer
          output_json: { type: object }
          trigger: { every: 5m }
        review:
          description: Review it
          expected_output: A verdict
          agent: writer
          context: [draft]
          tools: [status_of_old]
          trigger: { every: 30 }`,
      'crews.yaml': `
        press:
          stream: false
          tasks: [draft, review]`,
    });
    expect(config.agents).toMatchObject([
      {
        id: 'writer',
        role: 'Writer',
        goal: 'Write',
        backstory: 'Long lines',
        llm: 'openai:gpt-5',
        permission_role: 'collector',
        tools: ['get_status', 'fill_gaps'],
        approval_required: ['fill_gaps'],
        allow_delegation: false,
        max_iter: 20,
        max_rpm: null,
        max_execution_time: null,
        max_retry_limit: 2,
        temperature: null,
        max_tokens: null,
        stream: true,
        verbose: false,
      },
    ]);
    expect(config.tasks).toMatchObject([
      {
        id: 'draft',
        trigger: { every: 300 },
        output_json: { type: 'object' },
        context: [],
        tools: null,
        priority: 'medium',
      },
      { id: 'review', trigger: { every: 30 }, context: ['draft'], tools: ['get_status'] },
    ]);
    expect(config.crews).toMatchObject([
      {
        id: 'press',
        name: 'press',
        process: 'sequential',
        stream: false,
        agents: ['writer'],
        tasks: ['draft', 'review'],
      },
    ]);
    expect(config.overrides).toMatchObject([{ agent: 'writer', expires_at: Date.UTC(2026, 11, 1) }]);
    expect(config.sections.market.collect.flush_interval_ms).toBe(250);
  });

  it('reads the tripwires that docs/safety.md shows, and says where one is wrong', () => {
    const text = readFileSync(new URL('../../../docs/safety.md', import.meta.url), 'utf8');
    const shown = /# crews\.yaml\n(desk:\n[^`]*)```/.exec(text)?.[1] ?? '';
    const files = { 'agents.yaml': agent('writer'), 'tasks.yaml': task('answer') };
    const { crews, agents } = load({ ...files, 'crews.yaml': shown });
    const rest = { name: null, secrets: null, max_characters: null, deny: null, function: null, seconds: 10 };
    const terms = { ...rest, on_error: 'trip' };
    expect(crews[0]?.tripwires).toEqual({
      input: [
        { ...terms, max_characters: 4000 },
        { ...terms, name: 'no_card_numbers', deny: [String.raw`\b\d{4}([ -]?\d{4}){3}\b`] },
      ],
      output: [{ ...terms, secrets: 'redact' }],
      tool_call: [{ ...terms, function: 'known_recipient', seconds: 2 }],
    });
    expect(agents[0]?.tripwires).toEqual({ input: [], output: [], tool_call: [] });
    const wrong = shown.replace('max_characters: 4000', 'on_error: pass');
    expect(issuesOf({ ...files, 'crews.yaml': wrong })).toEqual([
      'crews.yaml:5:9: desk.tripwires.input[0]: takes just one of secrets, max_characters, deny, function, got {"on_error":"pass"}',
    ]);
  });

  it('lists every issue of every file at once, in order, with places', () => {
    const issues = issuesOf(
      {
        'system.yaml': `
          version: 2
          limits:
            max_concurrent_agents: many
            nothing: 1
          modle: {}
          market:
            colect: {}`,
        'agents.yaml': `
          writer:
            role: 7
            goal: g
            backstry: b`,
        'tasks.yaml': `
          draft:
            description: d
            expected_output: e
            agent: wrter
            priority: hgih`,
        'crews.yaml': `
          press:
            process: circular
            tasks: [drft]`,
      },
      { env: { CREW_LOGGING__LEVEL: 'loud' } },
    );
    expect(issues).toEqual([
      'env CREW_LOGGING__LEVEL: logging.level: "loud" is not one of debug, info, warn, error, silent',
      'system.yaml:1:10: version: 2 is not one of 1',
      'system.yaml:3:26: limits.max_concurrent_agents: expected number, got "many"',
      "system.yaml:4:3: limits: unknown field 'nothing'; known: max_concurrent_agents, tool_calls_per_minute",
      "system.yaml:5:1: unknown field 'modle' (did you mean model?)",
      "system.yaml:7:3: market: unknown field 'colect' (did you mean collect?)",
      'agents.yaml:1:1: writer.backstory: is required (string)',
      'agents.yaml:2:9: writer.role: expected string, got 7',
      "agents.yaml:4:3: writer: unknown field 'backstry' (did you mean backstory?)",
      "tasks.yaml:4:10: task draft: 'wrter' is not an agent (did you mean writer?)",
      'tasks.yaml:5:13: draft.priority: "hgih" is not one of critical, high, medium, low (did you mean high?)',
      'crews.yaml:2:12: press.process: "circular" is not one of sequential, parallel, hierarchical, graph',
      "crews.yaml:3:11: crew press: 'drft' is not a task (did you mean draft?)",
    ]);
  });

  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    [
      'text that is not YAML',
      { 'system.yaml': 'a: [1' },
      ['system.yaml:1:6: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    [
      'an id given twice',
      { 'agents.yaml': agent('writer') + agent('writer') },
      ["agents.yaml:5:1: 'writer' is given twice"],
    ],
    [
      'a list where a map belongs',
      { 'agents.yaml': '- a' },
      ["agents.yaml:1:1: expected a map from id to entry, as in 'researcher:' with its fields below"],
    ],
    ['an entry without fields', { 'agents.yaml': 'writer:' }, ['agents.yaml:1:1: writer: expected a map of fields']],
    [
      'an id with a space',
      { 'agents.yaml': agent('a b') },
      ["agents.yaml:1:1: 'a b' is not an id: a letter, then letters, digits, _ or -"],
    ],
    [
      'a word where streaming is on or off',
      { 'agents.yaml': agent('writer', '  stream: often') },
      ['agents.yaml:5:11: writer.stream: expected boolean, got "often"'],
    ],
    [
      'a duration that is none',
      { 'agents.yaml': agent('writer'), 'tasks.yaml': task('draft', '  trigger: { every: soon }') },
      [
        'tasks.yaml:5:21: draft.trigger.every: \'soon\' is not a duration: write a number and a unit, as in 250ms, 30s, 5m, 2h or 1d, got "soon"',
      ],
    ],
    [
      'a cron pattern that is none',
      { 'agents.yaml': agent('writer'), 'tasks.yaml': task('draft', '  trigger: { cron: "61 * * * *" }') },
      [
        expect.stringMatching(
          /^tasks\.yaml:5:20: draft\.trigger\.cron: '61 \* \* \* \*' is not a cron pattern/,
        ) as string,
      ],
    ],
    [
      'a behaviour with a cron pattern and a time zone that are none',
      { 'system.yaml': 'behaviours: { check: { cron: daily, time_zone: Mars/Olympus } }' },
      [
        expect.stringMatching(/^system\.yaml:1:30: behaviours\.check\.cron: 'daily' is not a cron pattern/) as string,
        expect.stringMatching(/^system\.yaml:1:48: behaviours\.check\.time_zone: .*Mars\/Olympus/) as string,
      ],
    ],
    [
      'a behaviour with a wrong duration',
      { 'system.yaml': 'behaviours: { check: { every: often } }' },
      [
        'system.yaml:1:31: behaviours.check.every: \'often\' is not a duration: write a number and a unit, as in 250ms, 30s, 5m, 2h or 1d, got "often"',
      ],
    ],
    [
      'a role that does not exist',
      {
        'system.yaml': 'roles: { operator: {}, reader: {} }',
        'agents.yaml': agent('writer', '  permission_role: oprator'),
      },
      ["agents.yaml:5:20: agent writer: 'oprator' is not a role in system.yaml (did you mean operator?)"],
    ],
    [
      'roles of people and clients that do not exist',
      { 'system.yaml': 'roles: { admin: {} }' },
      ["system.yaml:1:1: serve.role: 'operator' is not a role", "system.yaml:1:1: mcp.role: 'reader' is not a role"],
    ],
    [
      'a category and a level that do not exist',
      { 'system.yaml': 'roles: { operator: { exchnge_data: READ_ONLY }, reader: { analytics: READ } }' },
      [
        "system.yaml:1:22: roles.operator: there is no category 'exchnge_data' (did you mean exchange_data?); list it under categories if it is yours",
        'system.yaml:1:70: roles.reader.analytics: "READ" is not one of NONE, READ_ONLY, READ_WRITE, WRITE, ADMIN',
      ],
    ],
    [
      'a tool that does not exist',
      { 'agents.yaml': agent('writer', '  permission_role: reader\n  tools:\n    - get_status\n    - get_statsu') },
      ["agents.yaml:8:7: agent writer: 'get_statsu' is not a tool (did you mean get_status?)"],
    ],
    [
      'a tool that the role may not use',
      { 'agents.yaml': agent('writer', '  permission_role: reader\n  tools: [fill_gaps]') },
      [
        'agents.yaml:6:11: agent writer: fill_gaps needs database_write WRITE, and role reader has database_write READ_ONLY',
      ],
    ],
    [
      'a tool of an agent without a role',
      { 'agents.yaml': agent('writer', '  tools: [get_status]') },
      [
        'agents.yaml:5:11: agent writer: get_status needs exchange_data READ_ONLY, and the agent has no permission_role',
      ],
    ],
    [
      'an approval for a tool that the agent does not list',
      {
        'agents.yaml': agent(
          'writer',
          '  permission_role: reader\n  tools: [get_status]\n  approval_required: [fill_gaps]',
        ),
      },
      ["agents.yaml:7:23: agent writer: 'fill_gaps' is not on its own list of tools"],
    ],
    [
      'a tool of a task that its agent does not list',
      { 'agents.yaml': agent('writer'), 'tasks.yaml': task('draft', '  tools: [get_status]') },
      ["tasks.yaml:5:11: task draft: 'get_status' is not on the own list of agent writer"],
    ],
    [
      'an override for nobody and nothing',
      {
        'system.yaml': 'overrides: [{ agent: wrter, tool: get_statu, level: NONE, granted_by: a, reason: b }]',
        'agents.yaml': agent('writer'),
      },
      [
        "system.yaml:1:22: 'wrter' is not an agent (did you mean writer?)",
        "system.yaml:1:35: 'get_statu' is not a tool (did you mean get_status?)",
      ],
    ],
    [
      'an override with a date that is none',
      {
        'system.yaml':
          'overrides: [{ agent: writer, tool: get_status, level: NONE, expires_at: tomorrow, granted_by: a, reason: b }]',
        'agents.yaml': agent('writer'),
      },
      ['system.yaml:1:73: overrides[0].expires_at: Invalid ISO datetime, got "tomorrow"'],
    ],
    [
      'a secret in the file',
      { 'system.yaml': 'notifications: { slack: { url_env: "https://hooks.example/secret" } }' },
      [
        'system.yaml:1:36: notifications.slack.url_env: is not the name of an environment variable (capitals, digits, underscores), got "https://hooks.example/secret"',
      ],
    ],
    [
      'context that does not exist, and a cycle',
      {
        'agents.yaml': agent('writer'),
        'tasks.yaml':
          task('a', '  context: [b]') +
          task('b', '  context: [c, nothing]') +
          task('c', '  context: [a]') +
          task('d', '  context: [d]'),
        'crews.yaml': 'press: { process: graph, tasks: [a, b, c, d] }',
      },
      [
        "tasks.yaml:10:16: task b: 'nothing' is not a task",
        'tasks.yaml:15:13: task c: context cycle a → b → c → a',
        'tasks.yaml:20:13: task d: context cycle d → d',
      ],
    ],
    [
      'context that comes later in a sequential crew, or is not in it',
      {
        'agents.yaml': agent('writer'),
        'tasks.yaml': task('a', '  context: [b]') + task('b') + task('c', '  context: [a]'),
        'crews.yaml': 'press: { tasks: [a, b] }\nlate: { tasks: [c] }',
      },
      [
        'tasks.yaml:5:13: task a: its context b comes later in the sequential crew press',
        'tasks.yaml:14:13: task c: its context a is not a task of crew late',
      ],
    ],
    [
      'a crew with agents and tasks that do not exist, twice the same, or not its own',
      {
        'agents.yaml': agent('writer') + agent('reader'),
        'tasks.yaml': task('a'),
        'crews.yaml': 'press:\n  agents: [reader, riter]\n  tasks: [a, a]',
      },
      [
        'crews.yaml:2:11: crew press: agent writer of task a is not among its agents',
        "crews.yaml:2:20: crew press: 'riter' is not an agent (did you mean writer?)",
        'crews.yaml:3:14: crew press: task a is listed twice',
      ],
    ],
    [
      'a hierarchical crew without a manager, or with one that does not exist',
      {
        'agents.yaml': agent('writer'),
        'tasks.yaml': task('a'),
        'crews.yaml':
          'one: { process: hierarchical, tasks: [a] }\ntwo: { process: hierarchical, manager_agent: boss, tasks: [a] }',
      },
      [
        'crews.yaml:1:17: crew one: a hierarchical crew needs manager_agent or manager_llm',
        "crews.yaml:2:46: crew two: 'boss' is not an agent",
      ],
    ],
    [
      'a task that nobody does',
      { 'tasks.yaml': 'a:\n  description: d\n  expected_output: e' },
      ['tasks.yaml:1:1: task a: has no agent, and crew desk is not hierarchical'],
    ],
  ])('refuses %s', (_, files, expected) => {
    const trimmed = Object.fromEntries(
      Object.entries(files).map(([name, text]) => [name, text.replace(/^\n/, '').replaceAll('\n\n', '\n')]),
    );
    expect(issuesOf(trimmed)).toEqual(expected);
  });

  it('does not let a variable cover up a file that holds no map', () => {
    expect(issuesOf({ 'system.yaml': '- a' }, { env: { CREW_LOGGING__LEVEL: 'debug' } })).toEqual([
      'system.yaml:1:1: expected object, got ["a"]',
    ]);
  });

  it('reports a file that it cannot read', () => {
    const dir = folder({ 'system.yaml': '' });
    mkdirSync(join(dir, 'tasks.yaml'));
    expect(() => loadConfig({ dir, env: {}, sections })).toThrow(/^tasks\.yaml: cannot be read: EISDIR/);
  });

  it('does not call missing what stands in a file that it cannot read', () => {
    const issues = issuesOf({
      'system.yaml': 'roles: [',
      'agents.yaml': agent('writer', '  permission_role: nobody').trim(),
      'tasks.yaml': task('draft', '  prioritee: high').trim(),
    });
    expect(issues).toEqual([
      expect.stringMatching(/^system\.yaml:1:9: /),
      "tasks.yaml:5:3: draft: unknown field 'prioritee' (did you mean priority?)",
    ]);
  });

  it('lets an override of the configuration give a tool that the role does not', () => {
    const config = load({
      'system.yaml': 'overrides: [{ agent: writer, tool: fill_gaps, level: WRITE, granted_by: a, reason: b }]',
      'agents.yaml': agent('writer', '  permission_role: reader\n  tools: [fill_gaps]'),
    });
    expect(config.overrides).toEqual([
      { agent: 'writer', tool: 'fill_gaps', level: 'WRITE', expires_at: null, granted_by: 'a', reason: 'b' },
    ]);
  });

  it('knows a tool by any of its names', () => {
    const config = load({
      'system.yaml': `
        roles: { operator: {}, reader: {} }
        overrides: [{ agent: writer, tool: status_of_old, level: READ_ONLY, granted_by: a, reason: b }]`,
      'agents.yaml': agent(
        'writer',
        '  permission_role: reader\n  tools: [status_of_old]\n  approval_required: [get_status]',
      ).trim(),
      'tasks.yaml': task('draft', '  tools: [get_status]').trim(),
    });
    expect(config.agents[0]).toMatchObject({ tools: ['get_status'], approval_required: ['get_status'] });
    expect(config.tasks[0]?.tools).toEqual(['get_status']);
    expect(config.overrides[0]?.tool).toBe('get_status');
  });

  it('does not check tools that it was not told of', () => {
    const files = { 'agents.yaml': agent('writer', '  tools: [anything]') };
    expect(load(files, { knownTools: undefined }).agents[0]?.tools).toEqual(['anything']);
  });

  it('lists the manager among the agents of a crew that names none', () => {
    const config = load({
      'agents.yaml': agent('writer') + agent('boss'),
      'tasks.yaml': task('a').replace('  agent: writer\n', ''),
      'crews.yaml': 'press: { process: hierarchical, manager_agent: boss, tasks: [a] }',
    });
    expect(config.crews).toMatchObject([{ agents: ['boss'], manager_agent: 'boss', manager_llm: null }]);
  });
});

describe('the environment over system.yaml', () => {
  const system = { 'system.yaml': 'market: { collect: { flush_interval_ms: 250 } }' };

  it('sets single keys, lists and texts, as YAML', () => {
    const config = load(system, {
      env: {
        CREW_MARKET__COLLECT__FLUSH_INTERVAL_MS: '500',
        CREW_MARKET__SYMBOLS: '[BTCUSDT, ETHUSDT]',
        CREW_LOGGING__LEVEL: 'debug',
        CREW_LOGGING__JSON: 'true',
        PATH: '/bin',
      },
    });
    expect(config.sections.market).toEqual({
      source: 'sim',
      collect: { flush_interval_ms: 500 },
      symbols: ['BTCUSDT', 'ETHUSDT'],
    });
    expect(config.system).toMatchObject({ logging: { level: 'debug', json: true } });
  });

  it('reports what is wrong by the name of the variable', () => {
    const env = {
      CREW_MARKET__COLLECT__FLUSH_INTERVAL_MS: 'fast',
      CREW_MARKET__COLECT__FLUSH: '1',
      CREW_LIMIT: '4',
      CREW_LOGGING____LEVEL: 'info',
      CREW_EVENTS: '[',
    };
    expect(issuesOf(system, { env })).toEqual([
      'env CREW_EVENTS: "[" is not a YAML value: Flow sequence must end with a ] at line 1, column 2:',
      'env CREW_LOGGING____LEVEL: is not a path: write CREW_SECTION__KEY',
      'env CREW_MARKET__COLLECT__FLUSH_INTERVAL_MS: market.collect.flush_interval_ms: expected number, got "fast"',
      "env CREW_MARKET__COLECT__FLUSH: market: unknown field 'colect' (did you mean collect?)",
      "env CREW_LIMIT: unknown field 'limit' (did you mean limits?)",
    ]);
  });

  it('leaves alone the variables that the configuration names for secrets', () => {
    const config = load(
      { 'system.yaml': 'notifications: { slack: { url_env: CREW_SLACK } }' },
      { env: { CREW_TOKEN: 'secret', CREW_SLACK: 'https://hooks.example/x' } },
    );
    expect(JSON.stringify(config)).not.toContain('secret');
    expect(config.system.notifications.slack?.url_env).toBe('CREW_SLACK');
  });
});

describe('the folder of a configuration', () => {
  it.each([
    ['My Project!', 'my-project'],
    ['news_room/config', 'news_room'],
    ['42', 'crew'],
  ])('%s names the crew of all tasks %s', (name, id) => {
    const dir = folder({ 'agents.yaml': agent('writer'), 'tasks.yaml': task('a') }, name);
    expect(loadConfig({ dir, env: {}, sections }).crews).toMatchObject([
      { id, process: 'sequential', tasks: ['a'], agents: ['writer'] },
    ]);
  });

  it('is given back as an absolute path', () => {
    expect(load({ 'system.yaml': '' }).dir).toMatch(/^\/.*desk$/);
    expect(() => load({ 'system.yaml': 'version: 3' })).toThrow(ConfigInvalid);
  });
});

import { execFileSync, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../src/serve/cli/program.ts';
import { built, crew, crewRunning, end, type Finished, temporaryFolder, untilServed } from './crew.ts';

const SMALL = ['--exchanges', 'binance_futures', '--symbols', 'BTCUSDT'];
const VIEW = 'btcusdt_binance_futures_trades';

interface Row {
  readonly id: string;
  readonly [field: string]: unknown;
}

const rowsOf = ({ stdout, stderr }: Finished): readonly Row[] => {
  expect(stderr).toBe('');
  const rows = JSON.parse(stdout) as readonly Row[];
  for (const row of rows) expect(row.id).toEqual(expect.any(String));
  return rows;
};

function paths(command: Command, path: readonly string[] = []): (readonly string[])[] {
  return [path, ...command.commands.flatMap((child) => paths(child, [...path, child.name()]))];
}

describe.runIf(built)('crew', { timeout: 60_000 }, () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
    expect(await crew(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('explains every command', async () => {
    const all = paths(createProgram());
    expect(all.length).toBeGreaterThan(30);
    const wrong: string[] = [];
    while (all.length > 0) {
      await Promise.all(
        all.splice(0, 4).map(async (path) => {
          const { code, stdout, stderr } = await crew([...path, '--help']);
          const usage = ['crew', ...path].join(' ');
          if (code !== 0 || !stdout.startsWith(`Usage: ${usage}`) || stderr !== '') wrong.push(`${usage}: ${stdout}`);
        }),
      );
    }
    expect(wrong).toEqual([]);
  });

  it('ends quietly when its reader has had enough', async () => {
    const child = crewRunning(['--help'], 'pipe');
    child.stdout?.destroy();
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    expect(errors).toBe('');
  });

  it('answers a wrong word with 2 and the nearest right one', async () => {
    const unknown = await crew(['statsu']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("unknown command 'statsu'");
    expect(unknown.stderr).toContain('status');
    const option = await crew(['status', '--jsno']);
    expect(option.code).toBe(2);
    expect(option.stderr).toContain('--json');
    expect((await crew(['query'])).code).toBe(2);
    expect((await crew(['start', '--duration', 'soon'])).code).toBe(2);
    expect((await crew(['decode', '--exchange', 'binanse', '--market', 'futures'])).stderr).toContain('binance');
    expect((await crew(['events', '--type', 'data.gap'])).code).toBe(2);
    expect((await crew(['events', '--type', 'dat.*'])).stderr).toContain("there is no event type 'dat.*'");
    expect((await crew(['tools', 'call', 'get_stream_status', '--args', '{'])).code).toBe(2);
  });

  it('says which rule allows or denies, with its exit code', async () => {
    const denied = await crew(['permissions', 'explain', 'cleaner', 'vacuum_tables', '--json']);
    expect(denied.code).toBe(3);
    expect(JSON.parse(denied.stdout)).toMatchObject({ agent: 'cleaner', tool: 'vacuum_tables', allowed: false });
    const allowed = await crew(['permissions', 'explain', 'schema_manager', 'vacuum_tables']);
    expect(allowed.code).toBe(0);
    expect(allowed.stdout).toContain('role schema_manager grants system_config WRITE');
    expect((await crew(['permissions', 'explain', 'nobody', 'vacuum_tables'])).code).toBe(3);
    expect((await crew(['permissions', 'explain', 'cleaner', 'no_such_tool'])).code).toBe(3);
  });

  it('lists the venues and what each offers', async () => {
    const all = rowsOf(await crew(['venues', 'ls', '--json']));
    expect(all.map(({ id }) => id)).toContain('binance_futures');
    expect(all[0]).toMatchObject({ streams: { trades: { via: 'websocket' } } });
    const some = await crew(['venues', '--exchanges', 'bybit']);
    expect(some.stdout).toContain('bybit_spot');
    expect(some.stdout).not.toContain('binance');
  });

  it('decodes frames from stdin, and counts what it cannot read', async () => {
    const frame =
      '{"e":"aggTrade","E":1700000000100,"a":5,"s":"BTCUSDT","p":"37000.10","q":"0.002","f":10,"l":11,"T":1700000000000,"m":true}';
    const result = await crew(['decode', '--exchange', 'binance', '--market', 'futures'], {
      input: `${frame}\nnot json\n`,
    });
    expect(result.code).toBe(0);
    const lines = result.stdout.trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      stream: 'trades',
      exchange: 'binance',
      market: 'futures',
      symbol: 'BTCUSDT',
      event_time: 1_700_000_000_000_000,
      price: 37000.1,
      quantity: 0.002,
      side: 'sell',
    });
    expect(result.stderr).toContain('line 2');
    expect(result.stderr).toContain('1 unreadable');
  });

  it('decodes a packed recording of a market by another name', async () => {
    const file = join(temporaryFolder(), 'okx.jsonl.gz');
    const trade =
      '{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP","tradeId":"1","px":"9","sz":"2","side":"buy","ts":"1700000000000"}]}';
    writeFileSync(file, gzipSync(`1700000000.25: ${trade}\n`));
    const result = await crew(['decode', '--exchange', 'okex', '--market', 'swap', '--file', file]);
    expect(result.stderr).toBe('1 lines, 1 records, 0 control, 0 venue errors, 0 unreadable\n');
    expect(JSON.parse(result.stdout)).toMatchObject({ exchange: 'okx', market: 'futures', price: 9, quantity: null });
    const missing = await crew(['decode', '--exchange', 'okx-swap', '--file', `${file}.none`]);
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain('cannot be read');
  });

  it('exports the same truth for the same seed and time', async () => {
    const folders = [temporaryFolder(), temporaryFolder()];
    const truth = await Promise.all(
      folders.map(async (dir) => {
        const args = ['sim', '--seed', '7', '--export', dir, '--duration', '5s', '--from', '2026-01-01T00:00:00Z'];
        const { code, stdout } = await crew([
          ...args,
          '--exchanges',
          'binance_futures',
          '--symbols',
          'BTCUSDT',
          '--json',
        ]);
        expect(code).toBe(0);
        const { files } = JSON.parse(stdout) as { readonly files: readonly { path: string; records: number }[] };
        expect(files.some((file) => file.path.endsWith('trades.jsonl') && file.records > 0)).toBe(true);
        return files.map((file) => readFileSync(file.path, 'utf8'));
      }),
    );
    expect(truth[1]).toEqual(truth[0]);
  });

  it('writes completion scripts that their shell accepts', async () => {
    const bash = await crew(['completion', 'bash']);
    expect(bash.code).toBe(0);
    execFileSync('bash', ['-n'], { input: bash.stdout });
    const complete = (words: readonly string[]): string[] =>
      execFileSync('bash', ['--norc'], {
        input: `${bash.stdout}\nCOMP_WORDS=(${words.map((w) => `'${w}'`).join(' ')})\nCOMP_CWORD=${words.length - 1}\n_crew\nprintf '%s\\n' "\${COMPREPLY[@]}"\n`,
        encoding: 'utf8',
      })
        .trim()
        .split('\n');
    expect(complete(['crew', 'sta'])).toEqual(['start', 'status']);
    expect(complete(['crew', 'tools', 'c'])).toEqual(['call']);
    expect(complete(['crew', 'run', 'data-ops', '--sh'])).toEqual(['--shadow']);
    expect((await crew(['completion', 'fish'])).stdout).toContain('complete -c crew');
    expect((await crew(['completion', 'tcsh'])).code).toBe(2);
  });

  it('runs without a folder, from anywhere, and without colours in a pipe', async () => {
    const cwd = temporaryFolder();
    const status = await crew(['status', '--json'], { cwd });
    expect(JSON.parse(status.stdout)).toMatchObject({
      state: 'not_running',
      data_dir: join(realpathSync(cwd), 'data'),
    });
    expect(existsSync(join(cwd, 'data'))).toBe(false);
    for (const kind of ['crews', 'agents', 'tasks', 'tools'])
      expect(rowsOf(await crew([kind, 'ls', '--json'], { cwd })).length, kind).toBeGreaterThan(0);
    for (const kind of ['runs', 'approvals', 'tape'])
      expect(rowsOf(await crew([kind, 'ls', '--json'], { cwd })), kind).toEqual([]);
    const coloured = await crew(['crews', 'ls'], { cwd, env: { NO_COLOR: undefined, TERM: 'xterm-256color' } });
    expect(coloured.stdout).toContain('data-ops');
    expect(coloured.stdout).not.toContain('\u001b');
    expect(rowsOf(await crew(['behaviours', 'ls', '--json'], { cwd })).length).toBeGreaterThan(12);
    expect((await crew(['runs', 'show', 'run_none'], { cwd })).code).toBe(2);
    expect((await crew(['query', 'SELECT 1'], { cwd })).stderr).toContain('crew start makes it');
  });
});

describe.runIf(built)('crew with its own configuration', { timeout: 60_000 }, () => {
  it('starts from the shipped files and keeps what is there', async () => {
    const dir = join(temporaryFolder(), 'mine');
    const first = await crew(['init', dir, '--json']);
    expect(first.code).toBe(0);
    expect((JSON.parse(first.stdout) as { written: string[] }).written).toContain(join(dir, 'agents.yaml'));
    const again = await crew(['init', dir, '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ written: [] });
    const crews = rowsOf(await crew(['crews', 'ls', '--json', '--config', dir]));
    expect(crews.map((row) => row.id)).toEqual(['data-ops', 'operations']);
  });

  it('starts from a crew with a tool of its own, which does its job without a key', async () => {
    const cwd = temporaryFolder();
    const { code, stdout } = await crew(['init', 'mine', '--template', 'crew'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toContain('Next: crew run --config mine --input folder=mine');
    const all = readdirSync(join(cwd, 'mine'), { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
    const sizes = all.map((e) => statSync(join(e.parentPath, e.name)).size).sort((a, b) => b - a);
    const run = await crew(['run', '--config', 'mine', '--input', 'folder=mine', '--json'], { cwd });
    expect(run.stderr).toBe('');
    const document = JSON.parse(run.stdout) as {
      readonly run_id: string;
      readonly output: { readonly largest: readonly { bytes: number }[] };
    };
    expect(document).toMatchObject({
      crew: 'survey',
      status: 'completed',
      output: { files: sizes.length, total_bytes: sizes.reduce((a, b) => a + b, 0) },
      // Nothing of markets was started.
      streams: [],
    });
    expect(document.output.largest.map((file) => file.bytes)).toEqual(sizes.slice(0, 5));
    // For people: the answer whole, and nothing that only a desk has.
    const shown = await crew(['runs', 'show', document.run_id, '--config', 'mine'], { cwd });
    expect(shown.stdout).toMatch(/^survey completed \(active, model playbook\)\n/);
    expect(shown.stdout).toContain(`"total_bytes": ${sizes.reduce((a, b) => a + b, 0)}\n}\n`);
    expect(shown.stdout).not.toMatch(/health score|quality issues/);
    const call = (folder: string) =>
      crew(['tools', 'call', 'list_files', '--args', JSON.stringify({ folder }), '--config', 'mine', '--json'], {
        cwd,
      });
    expect(JSON.parse((await call('mine/tools')).stdout)).toMatchObject({
      data: { files: [{ path: 'list-files.mjs' }] },
    });
    const outside = await call('..');
    expect([outside.code, outside.stdout]).toEqual([
      2,
      expect.stringContaining('.. is not below the working directory'),
    ]);
    const explained = await crew(['permissions', 'explain', 'surveyor', 'list_files', '--config', 'mine'], { cwd });
    expect([explained.code, explained.stdout]).toEqual([
      0,
      expect.stringContaining('role surveyor grants files READ_ONLY'),
    ]);
    const failed = await crew(['run', '--config', 'mine', '--input', 'folder=nowhere'], { cwd });
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('there is no folder nowhere')]);
  });

  it('lists all mistakes at once, each with its place, and starts nothing', async () => {
    const dir = join(temporaryFolder(), 'mine');
    await crew(['init', dir]);
    const edit = (file: string, from: string | RegExp, to: string): void => {
      const text = readFileSync(join(dir, file), 'utf8');
      const changed = text.replace(from, to);
      expect(changed).not.toBe(text);
      writeFileSync(join(dir, file), changed);
    };
    edit('system.yaml', 'source: sim', 'sourc: sim');
    edit('agents.yaml', /- vacuum_tables$/m, '- vacum_tables');
    edit('tasks.yaml', /agent: cleaner$/m, 'agent: claener');
    const data = join(dir, 'data');
    const result = await crew(['start', '--config', dir, '--data', data]);
    expect(result.code).toBe(2);
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(/system\.yaml:\d+:\d+: .*sourc/);
    expect(result.stderr).toMatch(/agents\.yaml:\d+:\d+: .*vacum_tables.*vacuum_tables/);
    expect(result.stderr).toMatch(/tasks\.yaml:\d+:\d+: .*claener.*cleaner/);
    expect(existsSync(data)).toBe(false);
    expect((await crew(['crews', 'ls', '--config', join(dir, 'none')])).code).toBe(2);
  });

  it('ends with 4 when no venue answers, and says what was tried', async () => {
    const env = { HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' };
    const args = ['start', '--source', 'live', ...SMALL, '--data', temporaryFolder(), '--log-level', 'silent'];
    const result = await crew(args, { env });
    expect(result.code).toBe(4);
    expect(result.stderr).toContain('binance_futures: https://fapi.binance.com/');
    expect(result.stderr).toMatch(/ECONNREFUSED|connect/);
  });
});

describe.runIf(built)('crew beside a running controller', { timeout: 90_000 }, () => {
  const data = temporaryFolder();
  let controller: ChildProcess;
  const at = (...args: readonly string[]): Promise<Finished> => crew([...args, '--data', data]);

  beforeAll(async () => {
    controller = crewRunning(['start', ...SMALL, '--shadow', '--data', data]);
    const desk = await untilServed(data, controller);
    const stored = async (): Promise<boolean> =>
      (await desk.status()).streams.some((stream) => stream.table === VIEW && stream.rows > 0);
    while (!(await stored())) await new Promise((resolve) => setTimeout(resolve, 100));
    await desk.kickoff({ crew: 'operations', shadow: true });
  }, 60_000);

  afterAll(() => {
    controller.kill('SIGKILL');
  });

  it('lists everything as rows with ids', async () => {
    for (const kind of ['crews', 'agents', 'tasks', 'runs', 'behaviours', 'tape'])
      expect(rowsOf(await at(kind, 'ls', '--json')).length, kind).toBeGreaterThan(0);
    expect(rowsOf(await at('approvals', 'list', '--json'))).toEqual([]);
    for (const row of rowsOf(await at('tools', 'ls', '--json')))
      expect(row).toMatchObject({ name: row.id, aliases: expect.any(Array) });
    expect(rowsOf(await at('tools', 'ls', '--agent', 'cleaner', '--json')).map((r) => r.id)).not.toContain(
      'vacuum_tables',
    );
  });

  it('shows what it is, its runs and its events', async () => {
    const status = await at('status', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ state: 'running', mode: 'shadow', pid: controller.pid });
    const [run] = rowsOf(await at('runs', 'ls', '--crew', 'operations', '--json'));
    expect(JSON.parse((await at('runs', 'show', run?.id ?? '', '--json')).stdout)).toMatchObject({
      crew: 'operations',
    });
    const events = JSON.parse((await at('events', '--type', 'run.completed', '--since', '1h', '--json')).stdout);
    expect(events).toEqual(expect.arrayContaining([expect.objectContaining({ type: 'run.completed' })]));
    expect((await at('status')).stdout).toContain(VIEW);
    expect((await at('doctor')).stdout).toContain('via remote');
  });

  it('answers queries, and refuses to write', async () => {
    const { stdout, code } = await at('query', `SELECT trade_id, price FROM ${VIEW} LIMIT 2`, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      columns: [{ name: 'trade_id' }, { name: 'price' }],
      rows: [{ price: expect.any(Number) }, { price: expect.any(Number) }],
    });
    const refused = await at('query', `DELETE FROM ${VIEW}`);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('only reading is allowed');
    expect((await at('query', 'SELECT nothing FROM nowhere')).code).toBe(2);
    const elsewhere = await at('query', 'SELECT * FROM quality_issues');
    expect(elsewhere).toMatchObject({ code: 2, stdout: '' });
    expect(elsewhere.stderr).toContain('quality_issues is a table of the ops database: add --database ops');
    const here = await at('query', 'SELECT * FROM trades', '--database', 'ops');
    expect(here.stderr).toContain('trades is a table of the market database: add --database market');
    const empty = await at('query', ' ');
    expect(empty).toMatchObject({ code: 2 });
    expect(empty.stderr).not.toContain('native callback');
    const cut = await at('query', `SELECT * FROM range(10)`, '--limit', '3', '--json');
    expect(JSON.parse(cut.stdout)).toMatchObject({ truncated: true, rows: [{}, {}, {}] });
  });

  it('calls tools as the operator or as an agent', async () => {
    const called = await at('tools', 'call', 'get_streaming_status', '--json');
    expect(called.code).toBe(0);
    expect(JSON.parse(called.stdout)).toMatchObject({ ok: true, tool: 'get_stream_status' });
    const denied = await at('tools', 'call', 'vacuum_tables', '--agent', 'cleaner', '--json');
    expect(denied.code).toBe(3);
    expect(JSON.parse(denied.stdout)).toMatchObject({ ok: false, error: { code: 'permission_denied' } });
    const proposed = await at('tools', 'call', 'vacuum_tables', '--agent', 'schema_manager', '--json');
    expect(JSON.parse(proposed.stdout)).toMatchObject({ ok: true, proposed: true });
    expect((await at('tools', 'call', 'no_such_tool')).code).not.toBe(0);
    const fired = await at('behaviours', 'run', 'gap_detection', '--json');
    expect(fired.code, fired.stderr).toBe(0);
    const report = JSON.parse((await at('shadow', 'report', '--json')).stdout) as { proposals: unknown[] };
    expect(report.proposals.length).toBeGreaterThan(0);
  });

  it('refuses a second controller on the folder, and source options that the first does not have', async () => {
    const second = await at('start', ...SMALL);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(String(controller.pid));
    const other = await at('run', 'operations', '--source', 'sim');
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('--data');
  });

  it('ends at Ctrl-C with 130, everything flushed and the tape whole', async () => {
    expect(await end(controller, 'SIGINT')).toBe(130);
    const verified = JSON.parse((await at('tape', 'verify', '--json')).stdout) as { ok: boolean; items: number };
    expect(verified.ok).toBe(true);
    expect(verified.items).toBeGreaterThan(0);
    const replay = await at('tape', 'replay', '--records', '--limit', '50');
    expect(replay.stdout).toContain('"stream"');
    expect(JSON.parse((await at('status', '--json')).stdout)).toMatchObject({ state: 'not_running' });
    expect(rowsOf(await at('runs', 'ls', '--json')).length).toBeGreaterThan(0);
    const { rows } = JSON.parse((await at('query', `SELECT count(*) AS n FROM ${VIEW}`, '--json')).stdout);
    expect(rows[0].n).toBeGreaterThan(0);
  });
});

describe.runIf(built)('crew run', { timeout: 90_000 }, () => {
  it('prints one document of a shadow run', async () => {
    const args = ['run', 'data-ops', '--shadow', '--source', 'sim', ...SMALL, '--duration', '6s', '--json'];
    const { code, stdout, stderr } = await crew([...args, '--data', temporaryFolder()]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as Record<string, readonly object[]> & {
      started_at: string;
      finished_at: string;
    };
    expect(document).toMatchObject({
      run_id: expect.any(String),
      crew: 'data-ops',
      mode: 'shadow',
      source: 'sim',
      model: 'playbook',
      status: 'completed',
      effects: [],
      events: { total: expect.any(Number), by_type: expect.any(Object) },
      quality_issues: expect.any(Array),
      health_score: expect.any(Number),
      usage: expect.any(Object),
    });
    const seconds = (Date.parse(document.finished_at) - Date.parse(document.started_at)) / 1000;
    expect(seconds).toBeGreaterThan(4);
    const fields = (list: string): string[] => Object.keys(document[list]?.[0] ?? {});
    expect(fields('tasks')).toEqual(expect.arrayContaining(['id', 'agent', 'status', 'output', 'tool_calls']));
    expect(fields('streams')).toEqual(['table', 'rows', 'last_event_time', 'state']);
    expect(fields('proposed_actions')).toEqual(expect.arrayContaining(['agent', 'tool', 'args', 'reason']));
    expect(document['tasks']).toHaveLength(13);
  });

  it('names the nearest crew', async () => {
    const { code, stderr } = await crew(['run', 'data-op', ...SMALL, '--data', temporaryFolder()]);
    expect(code).toBe(2);
    expect(stderr).toContain('data-ops');
  });
});

import type { Command } from 'commander';
import { list, positiveInteger, withSource } from '../parse.ts';

/** What happened and what waits: events, runs, approvals, behaviours, shadow mode. */
export function opsCommands(program: Command): void {
  program
    .command('events')
    .option('--type <names>', 'event types, or families, as in data.gap_detected,tool.*', list)
    .option('--since <time>', 'ISO time, or how long ago, as in 10m')
    .option('--source <name>', 'only events of this source')
    .option('--limit <n>', 'most events to give', positiveInteger, 100)
    .option('--follow', 'go on printing new events until Ctrl-C')
    .description('the journal of everything that happened')
    .addHelpText(
      'after',
      '\nExamples:\n  crew events --type data.gap_detected --since 1h\n  crew events --follow --json',
    )
    .action(async (_options: unknown, command: Command) => (await import('../actions/ops.ts')).events(command));

  const runs = program.command('runs').description('runs of crews');
  runs
    .command('ls', { isDefault: true })
    .option('--crew <id>', 'only runs of this crew')
    .option('--limit <n>', 'most runs to give', positiveInteger, 50)
    .description('list the runs, newest first')
    .action(async (_options: unknown, command: Command) => (await import('../actions/ops.ts')).runs(command));
  runs
    .command('show')
    .argument('<id>')
    .description('one run: tasks, calls, proposals')
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/ops.ts')).showRun(id, command),
    );

  withSource(runs.command('resume'))
    .argument('<id>')
    .option(
      '--answer <task=json...>',
      'answer to the review of a task, as in analyse=\'{"accept":true}\'; may be repeated',
    )
    .option('--by <name>', 'who answers, for the record', process.env['USER'] ?? 'operator')
    .description('go on with a run that waits or was left unfinished')
    .addHelpText(
      'after',
      '\nExamples:\n  crew runs resume run_1\n  crew runs resume run_1 --answer report=\'{"feedback":"shorter"}\'\n  crew runs resume run_1 --answer report=\'{"edit":{"order":7}}\' --by alice',
    )
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/runs.ts')).resumeRun(id, command),
    );
  runs
    .command('cancel')
    .argument('<id>')
    .option('--reason <text>', 'why, for the record', 'cancelled by hand')
    .description('end a run that is at work, waits or is suspended')
    .addHelpText('after', '\nExamples:\n  crew runs cancel run_1 --reason "the question is answered"')
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/runs.ts')).cancelRun(id, command),
    );
  withSource(runs.command('replay'))
    .argument('<id>')
    .requiredOption('--from <task>', 'task that is done again, with all that comes after it')
    .option('--edit <file>', 'JSON {"inputs": {…}, "outputs": {"task": …}} put in the place of what was there')
    .option('--active', 'make effects again (default: propose them)')
    .description('do a run again from a task, as a new run, with what the tasks before it gave')
    .addHelpText(
      'after',
      '\nExamples:\n  crew runs replay run_1 --from report\n  crew runs replay run_1 --from report --edit other.json --json',
    )
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/runs.ts')).forkRun(id, command),
    );
  withSource(runs.command('fork'))
    .argument('<id>')
    .option('--at <checkpoint>', 'where it begins, as crew runs history shows (default: the newest)')
    .option('--edit <file>', 'JSON {"inputs": {…}, "outputs": {"task": …}} put in the place of what was there')
    .option('--active', 'make effects (default: propose them)')
    .description('a new run from a step of another')
    .addHelpText('after', '\nExamples:\n  crew runs history run_1\n  crew runs fork run_1 --at 1f0a2b3c-…')
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/runs.ts')).forkRun(id, command),
    );
  runs
    .command('history')
    .argument('<id>')
    .description('the steps of a run that can be gone back to, newest first')
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/runs.ts')).runSteps(id, command),
    );
  runs
    .command('diff')
    .argument('<a>')
    .argument('<b>')
    .description('where two runs came out differently; exit code 1 when they did')
    .action(async (a: string, b: string, _options: unknown, command: Command) =>
      (await import('../actions/runs.ts')).diff(a, b, command),
    );
  runs
    .command('export')
    .argument('<id>')
    .option('--out <file>', 'where it goes (default: standard output)')
    .option('--html', 'as a page that opens offline, instead of JSON')
    .description('a run as one JSON document or HTML page, with its events')
    .addHelpText(
      'after',
      '\nExamples:\n  crew runs export run_1 --out run_1.json\n  crew runs export run_1 --html --out run_1.html',
    )
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/runs.ts')).exportRun(id, command),
    );

  const approvals = program.command('approvals').description('actions that wait for a person');
  approvals
    .command('ls', { isDefault: true })
    .alias('list')
    .option('--state <state>', 'pending, approved, rejected, expired, used or all', 'pending')
    .description('list the requests')
    .action(async (_options: unknown, command: Command) =>
      (await import('../actions/approvals.ts')).approvals(command),
    );
  for (const decision of ['approve', 'reject'] as const) {
    const command = approvals
      .command(decision)
      .argument('<id>')
      .option('--by <name>', 'who decides', process.env['USER'] ?? 'operator')
      .option('--note <text>', 'why')
      .description(`${decision} a request`);
    if (decision === 'approve') {
      command
        .option('--args <json>', 'run it with these arguments instead')
        .option('--for <time>', 'the same call need not ask again for so long, as in 1h')
        .option('--allow <field=pattern...>', 'with --for: a field that may differ, as in symbol=BTC*')
        .option('--uses <n>', 'with --for: most calls that it covers', positiveInteger);
    }
    command.action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/approvals.ts')).decide(id, decision, command),
    );
  }

  approvals
    .command('standing')
    .description('approvals that cover further calls')
    .action(async (_options: unknown, command: Command) => (await import('../actions/approvals.ts')).standing(command));
  approvals
    .command('revoke')
    .argument('<id>')
    .option('--by <name>', 'who decides', process.env['USER'] ?? 'operator')
    .description('end an approval that covers further calls')
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/approvals.ts')).revoke(id, command),
    );

  const questions = program
    .command('questions')
    .description('what runs ask people: questions of steps and tools, reviews, budgets');
  questions
    .command('ls', { isDefault: true })
    .alias('list')
    .option('--run <id>', 'only of this run, and of those that it began')
    .description('list the questions that are open')
    .action(async (_options: unknown, command: Command) =>
      (await import('../actions/questions.ts')).questions(command),
    );
  questions
    .command('answer')
    .argument('<id>')
    .argument('<answer>', 'JSON, or a text')
    .option('--by <name>', 'who answers, for the record', process.env['USER'] ?? 'operator')
    .description('answer one; its run goes on')
    .action(async (id: string, answer: string, _options: unknown, command: Command) =>
      (await import('../actions/questions.ts')).answerQuestion(id, answer, command),
    );

  const effects = program.command('effects').description('effects whose outcome nobody knows after a crash');
  effects
    .command('ls', { isDefault: true })
    .description('list what was begun and never reported back')
    .action(async (_options: unknown, command: Command) => (await import('../actions/ops.ts')).effects(command));
  for (const [name, outcome, what] of [
    ['done', 'done', 'it had taken effect: the same intent is not made again'],
    ['void', 'void', 'it had not taken effect: the same intent may be made again'],
  ] as const) {
    effects
      .command(name)
      .argument('<key>')
      .option('--by <name>', 'who says so', process.env['USER'] ?? 'operator')
      .description(what)
      .action(async (key: string, _options: unknown, command: Command) =>
        (await import('../actions/ops.ts')).settleEffect(key, outcome, command),
      );
  }

  const audit = program.command('audit').description('who was allowed what, and what came of it');
  audit
    .command('ls', { isDefault: true })
    .option('--kind <kind>', 'call, approval, effect, override, pruned, lost, break or all', 'call')
    .option('--agent <id>', 'only calls of this agent')
    .option('--tool <name>', 'only this tool')
    .option('--denied', 'only what was denied')
    .option('--run <id>', 'only this run')
    .option('--since <time>', 'ISO time, or how long ago, as in 10m')
    .option('--limit <n>', 'most rows to give', positiveInteger, 50)
    .description('list decisions, approvals and effects, newest first')
    .action(async (_options: unknown, command: Command) => (await import('../actions/audit.ts')).auditRows(command));
  audit
    .command('verify')
    .option('--head <seq:hash>', 'a head that you kept: proves that nothing before it was rewritten')
    .description('check the chain of hashes: finds changed, missing, added and moved rows; exit code 1 when it does')
    .action(async (_options: unknown, command: Command) => (await import('../actions/audit.ts')).auditVerify(command));

  const servers = program
    .command('mcp-servers')
    .description('MCP servers of others, and which of their tools agents may use')
    .addHelpText(
      'after',
      '\nExamples:\n  crew mcp-servers ls\n  crew mcp-servers tools files\n  crew mcp-servers accept files read_file list_files\n\nA tool is usable once system.yaml gives it a category and level and a person accepted it as its server\ndescribes it. When the description or schema changes later, calls are refused until it is accepted again.',
    );
  servers
    .command('ls', { isDefault: true })
    .description('list the servers of system.yaml')
    .action(async (_options: unknown, command: Command) =>
      (await import('../actions/mcp-servers.ts')).mcpServers(command),
    );
  servers
    .command('tools')
    .argument('[server]')
    .description('ask the servers for their tools: accepted, new, changed, unassigned, unusable, gone')
    .action(async (server: string | undefined, _options: unknown, command: Command) =>
      (await import('../actions/mcp-servers.ts')).mcpTools(server, command),
    );
  for (const [verb, what] of [
    ['accept', 'accept tools as they are described now; without names every assigned one'],
    ['forget', 'take back what was accepted'],
  ] as const) {
    servers
      .command(verb)
      .argument('<server>')
      .argument(verb === 'accept' ? '[tools...]' : '<tools...>')
      .option('--by <name>', 'who decides', process.env['USER'] ?? 'operator')
      .description(what)
      .action(async (server: string, tools: readonly string[], _options: unknown, command: Command) =>
        (await import('../actions/mcp-servers.ts')).decideMcpTools(verb, server, tools, command),
      );
  }

  const behaviours = program.command('behaviours').description('what runs by itself');
  behaviours
    .command('ls', { isDefault: true })
    .description('list the behaviours with their last and next run')
    .action(async (_options: unknown, command: Command) => (await import('../actions/ops.ts')).behaviours(command));
  behaviours
    .command('run')
    .argument('<name>')
    .description('fire a behaviour now')
    .action(async (name: string, _options: unknown, command: Command) =>
      (await import('../actions/ops.ts')).runBehaviour(name, command),
    );

  program
    .command('shadow')
    .description('what agents would have done')
    .command('report')
    .option('--since <time>', 'ISO time, or how long ago, as in 1d')
    .option('--limit <n>', 'most proposals to give', positiveInteger, 100)
    .description('proposals, scored against what came after')
    .action(async (_options: unknown, command: Command) => (await import('../actions/ops.ts')).shadowReport(command));
}

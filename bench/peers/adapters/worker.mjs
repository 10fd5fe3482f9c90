// One library in a process of its own: measures what the bench asks for, and is idle between two questions.
const adapter = await import(process.argv[2]);
const library = await adapter.open(JSON.parse(process.argv[3] ?? '{}'));

const WARM_MS = 400;
const ROUND_MS = 250;
const HEAP_AGENTS = 2000;
/** Runs of a round, by measurement: as many as take about ROUND_MS once warm. */
const counts = new Map();

const measurements = {
  define: () => paced('define', (i) => library.define(i)),
  defineWhole: () => paced('defineWhole', (i) => library.defineWhole(i)),
  heap,
  run: (turns) => paced(`run ${turns}`, () => turned(library.run, turns)),
  runDurable: (turns) => paced(`durable ${turns}`, () => turned(library.runDurable, turns)),
  concurrent: (crews) => timed(1, () => Promise.all(Array.from({ length: crews }, () => ran(() => library.run(1))))),
  steps: async (steps, store) =>
    timed(1, async () => {
      const made = await library.steps[store](steps);
      if (made !== steps) throw new Error(`${made} steps instead of ${steps}`);
    }),
};

process.on('message', async ({ id, what, args }) => {
  try {
    process.send({ id, result: await measurements[what](...args) });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', async () => {
  await library.close?.();
  process.exit(0);
});
process.send({
  ready: true,
  stores: Object.keys(library.steps),
  extras: ['defineWhole', 'runDurable'].filter((name) => name in library),
});

async function paced(name, work) {
  if (!counts.has(name)) {
    const began = performance.now();
    let done = 0;
    // The clock is read once a hundred calls where a call is short.
    let chunk = 1;
    while (performance.now() - began < WARM_MS) {
      for (let i = 0; i < chunk; i++) await work(done++);
      chunk = Math.min(100, chunk * 2);
    }
    counts.set(name, Math.max(1, Math.round((done * ROUND_MS) / (performance.now() - began))));
  }
  return timed(counts.get(name), work);
}

async function timed(count, work) {
  const cpu = process.cpuUsage();
  const began = performance.now();
  for (let i = 0; i < count; i++) {
    const pending = work(i);
    // No turn of the loop for what is synchronous.
    if (pending instanceof Promise) await pending;
  }
  const ms = (performance.now() - began) / count;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000 / count };
}

async function turned(run, turns) {
  const looked = await run(turns);
  if (looked !== turns) throw new Error(`the tool ran ${looked} times instead of ${turns}`);
}

/** Of runs side by side one cannot tell whose call it was; that each ends well is checked by the adapter. */
async function ran(run) {
  await run();
}

/** Bytes of heap that an agent keeps alive. */
function heap() {
  const kept = new Array(HEAP_AGENTS);
  const before = used();
  for (let i = 0; i < HEAP_AGENTS; i++) kept[i] = library.define(i);
  const bytes = (used() - before) / HEAP_AGENTS;
  if (kept.length !== HEAP_AGENTS) throw new Error('the agents were not kept');
  return { bytes };
}

function used() {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

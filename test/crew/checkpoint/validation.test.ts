import { deltaChannelHistoryTests, validate } from '@langchain/langgraph-checkpoint-validation';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DuckDBSaver } from '../../../src/crew/checkpoint/saver.ts';
import { systemClock } from '../../../src/infra/clock.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';

/** The suite that LangGraph's makers run over their own savers. It takes the test functions from the global object. */
const globals = { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it };
Object.assign(globalThis, globals);
let db: Database;

const initializer = {
  checkpointerName: 'DuckDBSaver',
  beforeAll: async () => {
    db = await Database.open({ path: ':memory:' });
  },
  afterAll: () => db.close(),
  createCheckpointer: () => DuckDBSaver.open(db, { clock: systemClock }),
  destroyCheckpointer: async () => {
    await db.run('DELETE FROM checkpoint_log');
  },
};

validate(initializer);
describe('delta channels', () => {
  beforeAll(initializer.beforeAll);
  afterAll(initializer.afterAll);
  deltaChannelHistoryTests(initializer);
});

afterAll(() => {
  for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name);
});

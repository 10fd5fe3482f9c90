import { deltaChannelHistoryTests, validate } from '@langchain/langgraph-checkpoint-validation';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DuckDBSaver } from '../../../src/crew/checkpoint/saver.ts';
import { systemClock } from '../../../src/infra/clock.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';

/** The suite that LangGraph's makers run over their own savers. It takes the test functions from the global object. */
const globals = { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it };
Object.assign(globalThis, globals);

/** Once with a commit of DuckDB for each group, once with the journal in front of it. */
function suite(name: string, journaled: boolean): void {
  let db: Database;
  let saver: DuckDBSaver | undefined;
  const initializer = {
    checkpointerName: name,
    beforeAll: async () => {
      db = await Database.open({ path: ':memory:' });
    },
    afterAll: () => db.close(),
    createCheckpointer: async () => {
      const journal = journaled ? mkdtempSync(join(tmpdir(), 'crew-journal-')) : undefined;
      saver = await DuckDBSaver.open(db, { clock: systemClock, journal });
      return saver;
    },
    destroyCheckpointer: async () => {
      await saver?.[Symbol.asyncDispose]();
      await db.run('DELETE FROM checkpoint_log');
    },
  };
  validate(initializer);
  describe(`delta channels of ${name}`, () => {
    beforeAll(initializer.beforeAll);
    afterAll(initializer.afterAll);
    deltaChannelHistoryTests(initializer);
  });
}

suite('DuckDBSaver', false);
suite('DuckDBSaver behind its journal', true);

afterAll(() => {
  for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name);
});

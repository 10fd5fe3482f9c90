import type { RunQuery, RunRow, RunStore } from './store.ts';

/** Keeps runs in memory: for tests and for library users without an ops database. Nothing outlives the process. */
export function createMemoryRunStore(): RunStore {
  const rows = new Map<string, RunRow>();
  return {
    insert(row) {
      rows.set(row.run_id, row);
      return Promise.resolve();
    },
    update(runId, changes) {
      const row = rows.get(runId);
      if (row !== undefined) rows.set(runId, { ...row, ...changes });
      return Promise.resolve();
    },
    get: (runId) => Promise.resolve(rows.get(runId) ?? null),
    list(query: RunQuery = {}) {
      const found = [...rows.values()]
        .filter((r) => query.crew === undefined || r.crew === query.crew)
        .filter((r) => query.status === undefined || query.status.includes(r.status))
        .reverse();
      return Promise.resolve(found.slice(0, query.limit ?? 50));
    },
    taskStarted: () => Promise.resolve(),
    taskEnded: () => Promise.resolve(),
    taskStopped: () => Promise.resolve(),
  };
}

import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';

/** Where the checkpoints of a desk are, with what keeps them from growing. Closed before the operations database. */
export interface CheckpointStore extends AsyncDisposable {
  readonly saver: BaseCheckpointSaver;
  /** Threads to which nothing was written for `forMs`. */
  idleThreads(forMs: number): Promise<readonly string[]>;
  /** Keeps the newest `keep` checkpoints of each namespace of the threads (1 unless given), and deletes what is older. */
  prune(threadIds: readonly string[], keep?: number): Promise<unknown>;
  /** Deletes what the retention of threads at work lets go, where the saver does not do so while it writes. */
  trim(): Promise<unknown>;
}

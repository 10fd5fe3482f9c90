import type { Session } from './session.ts';
import { plainItem } from './tape/items.ts';
import { readTapeBatches } from './tape/reader.ts';

/** Feeds the items of another tape through the same intake, as fast as tape and store take them. */
export class TapeSource {
  readonly #session: Session;
  readonly #folder: string;
  readonly #stop = new AbortController();

  constructor(session: Session, folder: string) {
    this.#session = session;
    this.#folder = folder;
  }

  /** Resolves at the tape's end or when stopped. Throws Corrupt for a foreign tape. */
  async run(onFirst: () => void): Promise<void> {
    const { intake, environment } = this.#session;
    let first = true;
    let newest = intake.recvTimeOfTape();
    for await (const { items } of readTapeBatches(this.#folder, {
      onDamage: ({ path, offset, bytes, reason }) =>
        environment.events.emit('data.quality_alert', {
          alert_type: 'tape_damaged',
          message: `${path}: ${bytes} bytes at ${offset} cannot be read (${reason}); what they held is lost`,
          severity: 'high',
        }),
    })) {
      if (this.#stop.signal.aborted) return;
      if (first) onFirst();
      first = false;
      for (const item of items) {
        newest = Math.max(newest, item.recv_time);
        intake.push(item.recv_time === newest ? item : { ...plainItem(item), recv_time: newest });
      }
      await intake.relieved();
    }
    await intake.flush();
  }

  stop(): void {
    this.#stop.abort();
  }
}

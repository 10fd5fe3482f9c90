import type { StreamItem, TextPiece } from '../kit/stream-item.ts';

/** Characters that wait for one reader at most. */
const LARGEST = 64 * 1024;

/**
 * Pieces of text that one reader has not taken yet. Pieces of the same answer that follow each other are joined; when
 * more than 64 Ki characters wait, the oldest go, and the next piece says in `missed` how many characters went.
 */
export class TextQueue {
  #items: StreamItem[] = [];
  #size = 0;
  #missed = 0;
  /** Called with the number of each piece that comes. */
  onPush: ((seq: number) => void) | undefined;

  push(item: StreamItem): void {
    const last = this.#items.at(-1);
    const text = textOf(item);
    if (last !== undefined && last.seq === item.seq && last.path === item.path && textOf(last).turn === text.turn)
      this.#items[this.#items.length - 1] = { ...last, data: { ...textOf(last), text: textOf(last).text + text.text } };
    else this.#items.push(item);
    this.#size += text.text.length;
    while (this.#size > LARGEST && this.#items.length > 0) this.#drop();
    this.onPush?.(item.seq);
  }

  /** Whether a piece waits that came after no later event than this. */
  has(seq: number): boolean {
    return (this.#items[0]?.seq ?? Infinity) <= seq;
  }

  /** Takes the pieces that came before the event after `seq`. */
  *upTo(seq: number): Generator<StreamItem, void, undefined> {
    while (this.has(seq)) {
      const item = this.#items.shift();
      if (item === undefined) return;
      this.#size -= textOf(item).text.length;
      const missed = this.#missed;
      this.#missed = 0;
      yield missed === 0 ? item : { ...item, data: { ...textOf(item), missed } };
    }
  }

  #drop(): void {
    const gone = textOf(this.#items.shift()).text.length;
    this.#size -= gone;
    this.#missed += gone;
  }
}

function textOf(item: StreamItem | undefined): TextPiece {
  return item?.data as TextPiece;
}

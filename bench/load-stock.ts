// Frames of a repeating market, learned once: what differs between two rounds is a number that goes on as it did.
import type { Ms } from '../src/kit/clock.ts';
import type { SimulatedFrame } from '../src/market/exchanges/simulator-contract.ts';
import type { Loop } from './load-loop.ts';

export type Make = (channels: ReadonlySet<string>, from: Ms, to: Ms) => readonly SimulatedFrame[];

/** A frame's text as a function of the round. */
interface Learned {
  /** From the beginning of its step, ms. */
  readonly offset: Ms;
  readonly channel: string;
  /** One more than there are numbers. */
  readonly pieces: readonly string[];
  /** The numbers in the first round learned, and what each gains a round. */
  readonly first: readonly number[];
  readonly gains: readonly number[];
  /** Which of them are times in words, as seconds. */
  readonly worded: readonly boolean[];
}

const STEP_MS = 100;
/** Minutes, and digits that run over, lie between the rounds that are learned from and the one that proves it. */
const PROOF_ROUNDS = 7;
/** Whole numbers, and times in words to the second. */
const DIGITS = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|\d+/g;
/** Digits of a whole number that a double holds exactly. */
const MOST_DIGITS = 15;

/** The frames of one subscription. Channels whose frames do not go on evenly (candles, ids by chance) are made anew. */
export class Stock {
  readonly #loop: Loop;
  readonly #make: Make;
  readonly #firstRound: number;
  readonly #steps: (readonly Learned[])[] = [];
  readonly #channels: ReadonlySet<string>;
  readonly #odd = new Set<string>();

  /** Learns from the round `firstRound`; nothing is ready before `learn` has been called for each step. */
  constructor(loop: Loop, channels: ReadonlySet<string>, make: Make, firstRound: number) {
    this.#loop = loop;
    this.#channels = channels;
    this.#make = make;
    this.#firstRound = firstRound;
  }

  static stepsOf({ length }: Loop): number {
    return length / STEP_MS;
  }

  /** Frames a round that are not made anew, and all channels that are. */
  get ready(): { readonly frames: number; readonly odd: readonly string[] } {
    return { frames: this.#steps.reduce((sum, { length }) => sum + length, 0), odd: [...this.#odd] };
  }

  /** Learns the frames of one step of the loop. */
  learn(step: number): void {
    const [one, two, proof] = [0, 1, PROOF_ROUNDS].map((round) => {
      const from = this.#loop.since + (this.#firstRound + round) * this.#loop.length + step * STEP_MS;
      return { from, byChannel: this.#byChannel(from) };
    });
    if (one === undefined || two === undefined || proof === undefined) return;
    const learned: Learned[] = [];
    for (const channel of this.#channels) {
      if (this.#odd.has(channel)) continue;
      const frames = one.byChannel.get(channel) ?? [];
      const [next, last] = [two.byChannel.get(channel) ?? [], proof.byChannel.get(channel) ?? []];
      const own = frames.map((frame, i) => {
        const [later, proven] = [next[i], last[i]];
        const found = later === undefined ? undefined : learn(frame, later, one.from);
        return found !== undefined && proven !== undefined && render(found, PROOF_ROUNDS) === proven.text
          ? found
          : null;
      });
      if (frames.length !== next.length || frames.length !== last.length || own.includes(null)) this.#odd.add(channel);
      else for (const frame of own) if (frame !== null) learned.push(frame);
    }
    this.#steps[step] = learned.sort((a, b) => a.offset - b.offset);
  }

  #byChannel(from: Ms): ReadonlyMap<string, readonly SimulatedFrame[]> {
    const made = new Map<string, SimulatedFrame[]>([...this.#channels].map((channel) => [channel, []]));
    for (const frame of this.#make(this.#channels, from, from + STEP_MS)) {
      const frames = made.get(frame.channel);
      if (frames === undefined) throw new Error(`a frame of ${frame.channel}, to which nobody subscribed`);
      frames.push(frame);
    }
    return made;
  }

  /** Drops what was learned of channels before they turned out to be odd. */
  settle(): void {
    for (const [i, step] of this.#steps.entries()) this.#steps[i] = step.filter((f) => !this.#odd.has(f.channel));
  }

  /** The frames of the step that begins at `from`; undefined before the first round that was learned. */
  frames(from: Ms): readonly SimulatedFrame[] | undefined {
    const round = Math.floor((from - this.#loop.since) / this.#loop.length);
    if (round < this.#firstRound) return undefined;
    const step = this.#steps[(from - this.#loop.since - round * this.#loop.length) / STEP_MS] ?? [];
    const frames: SimulatedFrame[] = [];
    for (const frame of step) {
      const text = render(frame, round - this.#firstRound);
      frames.push({ at: from + frame.offset, channel: frame.channel, text });
    }
    if (this.#odd.size === 0) return frames;
    for (const frame of this.#make(this.#odd, from, from + STEP_MS)) frames.push(frame);
    return frames.sort((a, b) => a.at - b.at);
  }
}

/** Undefined when the two are not the same but for whole numbers that grew, or one of these is not written plainly. */
function learn(frame: SimulatedFrame, later: SimulatedFrame, stepBegan: Ms): Learned | undefined {
  const [one, two] = [frame.text, later.text];
  const [digits, digitsLater] = [one.match(DIGITS) ?? [], two.match(DIGITS) ?? []];
  if (one.replace(DIGITS, '#') !== two.replace(DIGITS, '#') || digits.length !== digitsLater.length) return undefined;
  const pieces: string[] = [];
  const [first, gains, worded]: [number[], number[], boolean[]] = [[], [], []];
  let [end, place] = [0, 0];
  for (const [i, text] of digits.entries()) {
    const at = one.indexOf(text, place);
    place = at + text.length;
    const other = digitsLater[i] ?? '';
    if (text === other) continue;
    if (text.includes('T')) {
      pieces.push(one.slice(end, at));
      end = place;
      first.push(secondsOf(text));
      gains.push(secondsOf(other) - secondsOf(text));
      worded.push(true);
      continue;
    }
    // Of times in ns the digits below a microsecond stay: the rest is a number.
    const same = text.length > MOST_DIGITS ? commonEnd(text, other) : 0;
    const [a, b] = [text.slice(0, text.length - same), other.slice(0, other.length - same)];
    if (a.startsWith('0') || b.startsWith('0') || a.length > MOST_DIGITS || b.length > MOST_DIGITS) return undefined;
    pieces.push(one.slice(end, at));
    end = place - same;
    first.push(Number(a));
    gains.push(Number(b) - Number(a));
    worded.push(false);
  }
  pieces.push(one.slice(end));
  return { offset: frame.at - stepBegan, channel: frame.channel, pieces, first, gains, worded };
}

function commonEnd(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a.at(-1 - length) === b.at(-1 - length)) length += 1;
  return length;
}

function render({ pieces, first, gains, worded }: Learned, round: number): string {
  let text = pieces[0] ?? '';
  for (let i = 0; i < first.length; i++) {
    const value = (first[i] ?? 0) + (gains[i] ?? 0) * round;
    text += (worded[i] === true ? wordsOf(value) : String(value)) + (pieces[i + 1] ?? '');
  }
  return text;
}

function secondsOf(words: string): number {
  return Date.parse(`${words}Z`) / 1000;
}

function wordsOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

/**
 * Makes ids that sort by time: 9 characters of milliseconds in base 36, a counter, and 8 random characters.
 * The random source is given, so tests are repeatable.
 */
export function createIdSource(now: () => number, random: () => number): (prefix: string) => string {
  let counter = 0;
  return (prefix) => {
    counter = (counter + 1) % 1_679_616;
    const time = now().toString(36).padStart(9, '0');
    const tail = Math.floor(random() * 2_821_109_907_456)
      .toString(36)
      .padStart(8, '0');
    return `${prefix}_${time}${counter.toString(36).padStart(4, '0')}${tail}`;
  };
}

/** A door that agents pass before each step: closed while the controller is paused. */
export class Gate {
  #waiting: Promise<void> | undefined;
  #release: (() => void) | undefined;

  get isOpen(): boolean {
    return this.#waiting === undefined;
  }

  close(): void {
    this.#waiting ??= new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  open(): void {
    this.#release?.();
    this.#waiting = undefined;
    this.#release = undefined;
  }

  /** Resolves at once when open, else when it opens; rejects with the signal's reason when aborted first. */
  async pass(signal: AbortSignal): Promise<void> {
    while (this.#waiting !== undefined) {
      const aborted = new Promise<never>((_, reject) => {
        if (signal.aborted) reject(signal.reason as Error);
        else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
      await Promise.race([this.#waiting, aborted]);
    }
  }
}

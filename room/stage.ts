/** The time of a performance that one device plays, or several at once: what they send for one moment, they send together.
 *
 *  It begins when each device is listened to, or a while after the first is. While nobody listens to any of them, it waits at
 *  what is due next. A device that nobody listens to while others are heard plays on unheard, as a real one would. */

/** Seconds that those who are heard first wait for the others; less than a sensor may be silent. */
const patience = 1.5;

const now = () => performance.now() / 1000;

/** What the stage must know of a device. */
export interface Player {
  /** Somebody listens to it. */
  heard(): boolean;
  /** Time in the performance of what it sends next; infinity while that is not known. */
  at(): number;
  /** The stage has changed. */
  wake(): void;
}

export class Stage {
  readonly #players = new Set<Player>();
  #zero = Infinity; // when the performance began, moved on by waits
  #heard = false;
  #late: NodeJS.Timeout | undefined;

  /** Seconds on the host's monotonic clock at which the performance's time was 0; infinity before it begins. */
  get zero(): number {
    return this.#zero;
  }

  /** Somebody listens to one of the devices. */
  get heard(): boolean {
    return this.#heard;
  }

  enter(player: Player): void {
    this.#players.add(player);
  }

  leave(player: Player): void {
    this.#players.delete(player);
    if (this.#players.size === 0) clearTimeout(this.#late);
    else this.changed();
  }

  /** To be called when one of the devices is heard or no longer, and when it first knows what it sends. */
  changed(patient = true): void {
    const players = [...this.#players];
    const heard = players.some((player) => player.heard());
    const next = Math.min(...players.map((player) => player.at()));
    if (this.#zero < Infinity) {
      if (heard && !this.#heard) this.#zero = Math.max(this.#zero, now() - next);
    } else if (heard && next < Infinity) {
      if (!patient || players.every((player) => player.heard() && player.at() < Infinity)) this.#zero = now() - next;
      else
        this.#late ??= setTimeout(() => {
          this.#late = undefined;
          this.changed(false);
        }, patience * 1000);
    }
    this.#heard = heard;
    for (const player of players) player.wake();
  }
}

/** A queue between a source that cannot wait and a consumer that may be slow: when it is full the oldest items go, whole, and are counted.
 *
 * An item must be something that can be missed: a datagram, a message, a frame. Pieces of a byte stream are not: bytes missing from
 * its middle would damage two frames. A stream is decoded first, and its frames are queued. */
export interface BoundedQueue<T> {
  /** @param bytes what the item counts for; one that is larger than the whole queue is lost itself */
  push(item: T, bytes: number): void;
  shift(): T | undefined;
  readonly length: number;
  readonly bytes: number;
  /** Items and their bytes that went unread. */
  readonly lost: Readonly<{ items: number; bytes: number }>;
}

export interface QueueLimit {
  readonly items: number;
  readonly bytes: number;
}

export function boundedQueue<T>(limit: QueueLimit): BoundedQueue<T> {
  // A ring that doubles until the limit: short queues, which most are, stay small.
  let ring = new Array<{ item: T; bytes: number } | undefined>(Math.min(16, limit.items));
  let first = 0;
  let length = 0;
  let bytes = 0;
  const lost = { items: 0, bytes: 0 };

  function take(): { item: T; bytes: number } | undefined {
    if (length === 0) return undefined;
    const entry = ring[first]!;
    ring[first] = undefined;
    first = (first + 1) % ring.length;
    length--;
    bytes -= entry.bytes;
    return entry;
  }

  function lose(size: number): void {
    lost.items++;
    lost.bytes += size;
  }

  function grow(): void {
    const larger = new Array<(typeof ring)[number]>(Math.min(limit.items, ring.length * 2));
    for (let i = 0; i < length; i++) larger[i] = ring[(first + i) % ring.length];
    ring = larger;
    first = 0;
  }

  return {
    lost,
    get length() {
      return length;
    },
    get bytes() {
      return bytes;
    },
    push(item, size) {
      if (size > limit.bytes || limit.items === 0) {
        lose(size);
        return;
      }
      while (length >= limit.items || bytes + size > limit.bytes) lose(take()!.bytes);
      if (length === ring.length) grow();
      ring[(first + length) % ring.length] = { item, bytes: size };
      length++;
      bytes += size;
    },
    shift: () => take()?.item,
  };
}

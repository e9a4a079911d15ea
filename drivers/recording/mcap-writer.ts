/** Writes one MCAP file in small chunks (mcap.dev/spec), with the indices that readers seek by.
 *
 *     magic header  { chunk, message index a channel }…  data end  schemas channels statistics chunk indices  offsets footer magic
 *
 * The McapWriter of @mcap/core ends a chunk only by its size; here one also ends when its time has come, so that little is lost
 * when the process is killed. Every call that writes must have ended before the next.
 */
import { crc32 } from 'node:zlib';
import { McapChunkBuilder, McapConstants, McapRecordBuilder, type McapTypes } from '@mcap/core';

/** Where the file's bytes go, one after the other. */
export type Sink = (bytes: Uint8Array) => Promise<void>;

type Channel = McapTypes.Channel;
type Schema = McapTypes.Schema;

export class ChunkedMcapWriter {
  readonly #sink: Sink;
  readonly #records = new McapRecordBuilder();
  readonly #chunk = new McapChunkBuilder({ useMessageIndex: true });
  readonly #schemas: Schema[] = [];
  readonly #channels: Channel[] = [];
  readonly #chunkIndices: McapTypes.ChunkIndex[] = [];
  readonly #statistics: McapTypes.Statistics = {
    messageCount: 0n,
    schemaCount: 0,
    channelCount: 0,
    attachmentCount: 0,
    metadataCount: 0,
    chunkCount: 0,
    messageStartTime: 0n,
    messageEndTime: 0n,
    channelMessageCounts: new Map<number, bigint>(),
  };
  #position = 0n;
  #dataCrc = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Bytes of the file so far, and of the chunk that is not written yet. */
  get bytes(): number {
    return Number(this.#position) + this.chunkBytes;
  }

  get chunkBytes(): number {
    return this.#chunk.byteLength;
  }

  async start(library: string): Promise<void> {
    this.#records.writeMagic();
    this.#records.writeHeader({ profile: '', library });
    await this.#flush();
  }

  /** Schemas and channels stand in the chunk in which they are first needed: in a truncated file, before their messages. */
  addSchema(schema: Omit<Schema, 'id'>): number {
    const id = this.#schemas.length + 1;
    this.#schemas.push({ ...schema, id });
    this.#statistics.schemaCount++;
    this.#chunk.addSchema({ ...schema, id });
    return id;
  }

  addChannel(channel: Omit<Channel, 'id'>): number {
    const id = this.#channels.length;
    this.#channels.push({ ...channel, id });
    this.#statistics.channelCount++;
    this.#chunk.addChannel({ ...channel, id });
    return id;
  }

  addMessage(message: McapTypes.Message): void {
    const { channelId, logTime } = message;
    const statistics = this.#statistics;
    if (statistics.messageCount === 0n || logTime < statistics.messageStartTime) statistics.messageStartTime = logTime;
    if (logTime > statistics.messageEndTime) statistics.messageEndTime = logTime;
    statistics.messageCount++;
    statistics.channelMessageCounts.set(channelId, (statistics.channelMessageCounts.get(channelId) ?? 0n) + 1n);
    this.#chunk.addMessage(message);
  }

  /** Writes what has been added since; from then on it survives the process. */
  async endChunk(): Promise<void> {
    if (this.#chunk.numMessages === 0) return;
    const records = this.#chunk.buffer;
    const { messageStartTime, messageEndTime } = this.#chunk;
    const size = BigInt(records.length);
    const chunkStartOffset = this.#position;
    const chunkLength = this.#records.writeChunk({
      messageStartTime,
      messageEndTime,
      uncompressedSize: size,
      uncompressedCrc: crc32(records),
      compression: '',
      records,
    });
    const messageIndexOffsets = new Map<number, bigint>();
    let messageIndexLength = 0n;
    for (const index of this.#chunk.indices) {
      if (index.records.length === 0) continue;
      messageIndexOffsets.set(index.channelId, chunkStartOffset + chunkLength + messageIndexLength);
      messageIndexLength += this.#records.writeMessageIndex(index);
    }
    this.#chunkIndices.push({
      messageStartTime,
      messageEndTime,
      chunkStartOffset,
      chunkLength,
      messageIndexOffsets,
      messageIndexLength,
      compression: '',
      compressedSize: size,
      uncompressedSize: size,
    });
    this.#statistics.chunkCount++;
    this.#chunk.reset();
    await this.#flush();
  }

  /** Ends the file: what has been added is written, and the indices after it. */
  async end(): Promise<void> {
    await this.endChunk();
    this.#records.writeDataEnd({ dataSectionCrc: this.#dataCrc });
    await this.#flush();

    const { Opcode } = McapConstants;
    const summaryStart = this.#position;
    const groups: McapTypes.SummaryOffset[] = [];
    const group = (opcode: number, writeAll: () => void) => {
      const groupStart = summaryStart + BigInt(this.#records.length);
      writeAll();
      const groupLength = summaryStart + BigInt(this.#records.length) - groupStart;
      if (groupLength > 0n) groups.push({ groupOpcode: opcode, groupStart, groupLength });
    };
    group(Opcode.SCHEMA, () => {
      for (const schema of this.#schemas) this.#records.writeSchema(schema);
    });
    group(Opcode.CHANNEL, () => {
      for (const channel of this.#channels) this.#records.writeChannel(channel);
    });
    group(Opcode.STATISTICS, () => this.#records.writeStatistics(this.#statistics));
    group(Opcode.CHUNK_INDEX, () => {
      for (const index of this.#chunkIndices) this.#records.writeChunkIndex(index);
    });
    const summaryOffsetStart = summaryStart + BigInt(this.#records.length);
    for (const one of groups) this.#records.writeSummaryOffset(one);
    // The footer's checksum covers the summary and the footer up to itself, and is the footer's last field (4 bytes).
    const withoutCrc = new McapRecordBuilder();
    withoutCrc.writeFooter({ summaryStart, summaryOffsetStart, summaryCrc: 0 });
    const summaryCrc = crc32(withoutCrc.buffer.subarray(0, -4), crc32(this.#records.buffer));
    this.#records.writeFooter({ summaryStart, summaryOffsetStart, summaryCrc });
    this.#records.writeMagic();
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = this.#records.buffer;
    this.#records.reset();
    this.#position += BigInt(bytes.length);
    this.#dataCrc = crc32(bytes, this.#dataCrc);
    await this.#sink(bytes);
  }
}

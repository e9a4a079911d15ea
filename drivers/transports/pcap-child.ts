/** The process that listens to a network interface for the transport `pcap`, which starts it: node pcap-child.js INTERFACE FILTER
 *
 * It writes a pcap file to its standard output and tells by messages what else there is to say. It is a process of its own because the
 * package can free a capture only when another packet comes, which may be never; a process frees all it has when it ends. Where
 * the gateway does not keep up, this process waits for it, and the kernel drops packets and counts them. */
import { describePcapError, linkTypeNumber, loadPcap } from './pcap-library.js';

export type CaptureMessage =
  /** Listening has begun. */
  | { readonly kind: 'open' }
  /** It cannot begin, or has ended. */
  | { readonly kind: 'problem'; readonly text: string }
  /** Packets that the kernel had no room for, from the beginning. */
  | { readonly kind: 'dropped'; readonly packets: number };

const kernelBuffer = 16 * 1024 * 1024;
const snapLength = 65535;
/** Bytes that are written at once. */
const batchSize = 128 * 1024;

const [device = '', filter = ''] = process.argv.slice(2);
const name = `pcap ${device}`;
const tell = (message: CaptureMessage, then: () => void = () => undefined) => {
  process.send?.(message, then);
};
const end = (text: string) => tell({ kind: 'problem', text }, () => process.exit(1));

async function listen(): Promise<void> {
  const library = await loadPcap(name);
  // That an interface has no address, for instance in monitor mode, is no matter.
  library.warningHandler = () => undefined;
  const options = { filter, buffer_size: kernelBuffer, snap_length: snapLength, buffer_timeout: 0 };
  const capture = library.createSession(device, options);

  let batch: Buffer[] = [];
  let bytes = 0;
  /** Written where it stands: pipes are synchronous. */
  function flush(): void {
    if (bytes > 0) process.stdout.write(Buffer.concat(batch));
    batch = [];
    bytes = 0;
  }

  const begin = Buffer.alloc(24);
  begin.writeUInt32LE(0xa1b2c3d4, 0);
  begin.writeUInt16LE(2, 4);
  begin.writeUInt16LE(4, 6);
  begin.writeUInt32LE(snapLength, 16);
  begin.writeUInt32LE(linkTypeNumber(capture.link_type), 20);
  process.stdout.write(begin);

  capture.on('packet', ({ buf, header }) => {
    const kept = header.readUInt32LE(8);
    batch.push(Buffer.concat([header, buf.subarray(0, kept)]));
    bytes += 16 + kept;
    if (bytes >= batchSize) flush();
  });
  capture.session.read_callback = () => {
    const result = capture.session.dispatch(capture.buf, capture.header);
    flush();
    if (result === -1) end(`${name}: the interface is gone or down. \`ip -brief link\` lists them`);
  };
  let dropped = 0;
  setInterval(() => {
    const { ps_drop: packets } = capture.stats();
    if (packets !== dropped) tell({ kind: 'dropped', packets: (dropped = packets) });
  }, 1000);
  tell({ kind: 'open' });
}

// Without the gateway there is nobody to listen for.
process.on('disconnect', () => process.exit());
process.stdout.on('error', () => process.exit());
// Ctrl-C and a service's stop reach both; the gateway ends this one in its own time.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
listen().catch((error: unknown) =>
  end(error instanceof Error && error.message.startsWith(name) ? error.message : describePcapError(name, error)),
);

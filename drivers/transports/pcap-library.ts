/** The optional package `pcap`: the part of it that is used, and what to do where it is missing or refuses. */

/** Its own types leave `session` and the buffers out. */
export interface PcapPackage {
  createSession(device: string, options: object): PcapSession;
  warningHandler: (text: string) => void;
}

export interface PcapSession {
  readonly link_type: string;
  /** `header`: seconds, microseconds, bytes kept, length, each 32 bits; both buffers are used again for the next packet. */
  on(event: 'packet', listener: (packet: { buf: Buffer; header: Buffer }) => void): void;
  stats(): { ps_drop: number };
  readonly buf: Buffer;
  readonly header: Buffer;
  readonly session: {
    /** Called whenever there may be packets. */
    read_callback: () => void;
    /** Reads what is there. @returns 0: no more for now, -1: failed */
    dispatch(buf: Buffer, header: Buffer): number;
  };
}

/** @throws Error with the remedy if the package is not there or not built */
export async function loadPcap(name: string, packageName = 'pcap'): Promise<PcapPackage> {
  try {
    const { default: library } = (await import(packageName)) as { default: PcapPackage };
    return library;
  } catch (error) {
    throw new Error(
      `${name}: listening to an interface needs the package pcap, which needs libpcap: \`sudo apt install libpcap-dev g++ make python3\`, then \`npm install\` in the gateway's folder`,
      { cause: error },
    );
  }
}

/** The package says the kinds that it knows by name, and all others as `Unknown linktype 276`. */
const linkTypes: Record<string, number | undefined> = {
  LINKTYPE_NULL: 0,
  LINKTYPE_ETHERNET: 1,
  LINKTYPE_RAW: 101,
  LINKTYPE_LINUX_SLL: 113,
  LINKTYPE_IEEE802_11_RADIO: 127,
};

/** @returns the number of tcpdump.org/linktypes.html */
export function linkTypeNumber(text: string): number {
  return linkTypes[text] ?? Number(/\d+$/.exec(text)?.[0] ?? 0xffff);
}

/** One line that says what failed and what to do. libpcap gives words, no error codes. */
export function describePcapError(name: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, remedy] = remedies.find(([pattern]) => pattern.test(message)) ?? [];
  return `${name}: ${remedy?.replace('NAME', name.replace(/^pcap /, '')) ?? message}`;
}

const remedies: readonly (readonly [RegExp, string])[] = [
  [
    // The last one is how a unit's RestrictAddressFamilies= without AF_PACKET shows.
    /permission|not permitted|address family not supported/i,
    'permission denied. Give the unit AmbientCapabilities=CAP_NET_RAW, CapabilityBoundingSet=CAP_NET_RAW and RestrictAddressFamilies=AF_PACKET with `sudo systemctl edit babel-gateway`; without the unit, give node the right: `sudo setcap cap_net_raw+ep "$(readlink -f "$(which node)")"`',
  ],
  [/no such device|doesn't exist/i, 'no such interface. `ip -brief link` lists them'],
  [/not up|is down/i, 'the interface is down. `sudo ip link set NAME up` brings it up'],
];

/** UDP datagrams that a device sends to this machine, or to a multicast group. */
import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { networkInterfaces, platform } from 'node:os';
import { z } from 'zod';
import { deliverTo } from './delivery.js';
import { monotonicSeconds, type Transport } from './transport.js';

const address = z.string().refine((text) => isIP(text) !== 0, 'expected an IP address, for instance 192.168.1.20');

const settings = z.strictObject({
  type: z.literal('udp'),
  port: z
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe("Port that the device sends to; without it, the driver's usual one."),
  address: address
    .default('0.0.0.0')
    .describe('Own address that is listened on. `0.0.0.0` is every IPv4 address, `::` every IPv6 address.'),
  group: address.optional().describe('Multicast group to join, for a device that sends to one.'),
  interface: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Network interface on which the group is joined, by name (`eth0`) or own address; without it, the system chooses.',
    ),
  from: address
    .optional()
    .describe('Takes only what this address sends. Without it, whoever can reach the port can speak for the device.'),
  receiveBuffer: z
    .int()
    .min(4096)
    .max(1024 * 1024 * 1024)
    .default(4 * 1024 * 1024)
    .describe('Bytes that the kernel keeps while the gateway is busy.'),
});
export type UdpSettings = z.infer<typeof settings>;

export const udp = {
  name: 'udp',
  settings,
  async open({ port, address, group, interface: wanted, from, receiveBuffer }, handlers) {
    if (port === undefined) throw new Error('udp: which port? Give the one that the device sends to');
    const name = `udp ${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
    // Several programs may listen to a group; of one port without a group, only the last to open it would hear anything.
    const socket = createSocket({ type: isIP(address) === 6 ? 'udp6' : 'udp4', reuseAddr: group !== undefined });
    try {
      await bound(socket, port, address);
      if (group !== undefined) socket.addMembership(group, membershipInterface(wanted, group));
    } catch (error) {
      socket.close();
      throw new Error(describeUdpError(name, error, { group, interface: wanted }), { cause: error });
    }
    const warning = receiveBufferWarning(name, receiveBuffer, enlarge(socket, receiveBuffer));
    if (warning !== undefined) handlers.onWarning?.(warning);

    const delivery = deliverTo(handlers);
    const failures = {
      /** Datagrams of other senders than `from`. */
      otherSender: 0,
      get lostMessages() {
        return delivery.failures.lostMessages;
      },
    };
    let peer = from === undefined ? undefined : { address: from, port };
    let released: Promise<void> | undefined;
    const release = () => new Promise<void>((resolve) => void socket.close(resolve));

    socket.on('message', (bytes, sender) => {
      if (from !== undefined && !isSameAddress(sender.address, from)) {
        failures.otherSender++;
        return;
      }
      peer = { address: sender.address, port: sender.port };
      delivery.onBytes(bytes, monotonicSeconds());
    });
    socket.on('error', (error) => {
      if (released) return;
      released = release();
      delivery.onClose(describeUdpError(name, error));
    });

    return {
      failures,
      write: (bytes) =>
        new Promise((resolve, reject) => {
          if (released) reject(new Error(`${name} is closed`));
          else if (!peer)
            reject(new Error(`${name}: nothing has arrived yet, so there is nobody to send to. Give from`));
          else
            socket.send(bytes, peer.port, peer.address, (error) => {
              if (error) reject(new Error(describeUdpError(name, error)));
              else resolve();
            });
        }),
      close() {
        delivery.stop();
        return (released ??= release());
      },
    };
  },
} satisfies Transport<UdpSettings>;

function bound(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ port, address, exclusive: true }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

/** IPv4 groups are joined on an interface's address, IPv6 ones on its name. */
function membershipInterface(wanted: string | undefined, group: string): string | undefined {
  if (wanted === undefined || isIP(wanted) !== 0) return wanted;
  const addresses = networkInterfaces()[wanted];
  if (isIP(group) === 6) return `::%${wanted}`;
  const own = addresses?.find(({ family }) => family === 'IPv4')?.address;
  if (own === undefined) throw Object.assign(new Error('no such interface'), { code: 'ENODEV' });
  return own;
}

/** Sets the receive buffer. @returns bytes that may be used for datagrams */
function enlarge(socket: Socket, bytes: number): number {
  try {
    socket.setRecvBufferSize(bytes);
  } catch {
    // Other systems than Linux refuse what Linux caps; what there is now tells.
  }
  // Linux counts its own bookkeeping in and gives twice of what was asked for (socket(7), SO_RCVBUF).
  const size = socket.getRecvBufferSize();
  return platform() === 'linux' ? size / 2 : size;
}

/** What to tell where the kernel gave less than was asked for. */
export function receiveBufferWarning(name: string, asked: number, given: number): string | undefined {
  if (given >= asked) return undefined;
  const remedy = `allow more: \`sudo sysctl -w net.core.rmem_max=${asked}\`, and for the next start \`echo net.core.rmem_max=${asked} | sudo tee /etc/sysctl.d/60-babel-gateway.conf\``;
  return `${name}: the kernel gives a receive buffer of ${given} bytes instead of ${asked}, so that bursts may be lost; ${remedy}; or ask for less with receiveBuffer`;
}

/** A socket for IPv6 shows an IPv4 sender as ::ffff:192.0.2.1. */
function isSameAddress(sender: string, from: string): boolean {
  return sender.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '') === from.replace(/%.*$/, '').toLowerCase();
}

/** One line that says what failed and what to do. */
export function describeUdpError(
  name: string,
  error: unknown,
  { group, interface: wanted }: { group?: string | undefined; interface?: string | undefined } = {},
): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (group !== undefined && ['ENODEV', 'EINVAL', 'EADDRNOTAVAIL'].includes(code))
    return `${name}: cannot join ${group}${wanted === undefined ? '' : ` on ${wanted}`}. Is it a multicast group (224.0.0.0 to 239.255.255.255, ff00::/8), and is the interface up? \`ip -brief address\` lists them`;
  return `${name}: ${remedies[code] ?? (message || code)}`;
}

const remedies: Record<string, string | undefined> = {
  EADDRINUSE:
    'another program or another sensor has this port. `sudo ss -ulnp` names it; give each device a port of its own',
  EADDRNOTAVAIL: 'no interface of this machine has this address. `ip -brief address` lists them',
  EACCES:
    'ports below 1024 need a right. Set the device to a higher port, or give the unit AmbientCapabilities=CAP_NET_BIND_SERVICE and CapabilityBoundingSet=CAP_NET_BIND_SERVICE',
  ENETUNREACH: 'the network cannot be reached. Is this machine connected?',
  EHOSTUNREACH: 'the device cannot be reached. Is it on, and in this network?',
};

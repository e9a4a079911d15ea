/** The serial ports of USB devices, for somebody who is about to write a configuration. */
import { SerialPort } from 'serialport';
import { note, ok, within } from './finding.js';
import type { Finding } from './finding.js';

/** By USB vendor, or vendor:product. From the Linux kernel's drivers/usb/serial: ch341.c, cp210x.c, ftdi_sio_ids.h, pl2303.h, xsens_mt.c. */
const chips: Record<string, string | undefined> = {
  '1a86:7523': 'a CH340 or CH341 bridge',
  '10c4:ea60': 'a CP210x bridge',
  '10c4:ea70': 'a CP2105 bridge, two ports',
  '10c4:ea71': 'a CP2108 bridge, four ports',
  '0403': 'an FTDI bridge',
  '067b:2303': 'a PL2303 bridge',
  '2639': 'an Xsens device (driver xsens-mti)',
};

interface Port {
  readonly path: string;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly manufacturer?: string | undefined;
  /** Name in /dev/serial/by-id. */
  readonly pnpId?: string | undefined;
}

/** @returns what is known of a port; undefined for one that is no USB device's */
export function describePort({ path, vendorId, productId, manufacturer, pnpId }: Port): string | undefined {
  if (vendorId === undefined) return undefined;
  const [vendor, product] = [vendorId, productId ?? ''].map((id) => id.toLowerCase().padStart(4, '0'));
  const chip = chips[`${vendor!}:${product!}`] ?? chips[vendor!] ?? manufacturer ?? 'a USB device';
  return `${pnpId === undefined ? path : `/dev/serial/by-id/${pnpId} (now ${path})`}: ${chip}, USB ${vendor!}:${product!}`;
}

export async function* serialPorts(list: () => Promise<Port[]> = () => SerialPort.list()): AsyncGenerator<Finding> {
  const about = 'serial ports';
  try {
    const found = (await within(5, 'udevadm did not list them', list())).flatMap((port) => describePort(port) ?? []);
    if (found.length === 0) yield note(about, 'none of a USB device is there: is the sensor plugged in?');
    for (const text of found) yield ok(about, text);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    yield note(
      about,
      missing
        ? 'the program udevadm, which lists them, is missing: sudo apt install udev'
        : `they cannot be listed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

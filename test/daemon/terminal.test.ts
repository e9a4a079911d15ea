import { PassThrough } from 'node:stream';
import t from 'tap';
import { createTerminal } from '../../daemon/terminal.js';
import type { TerminalOptions } from '../../daemon/terminal.js';
import type { PlaceModalities } from '../../daemon/topics.js';
import { activity } from './helpers/activity.js';

const label = activity('wave');
const all: PlaceModalities = {
  set: 'all',
  fused: ['imu', 'skeleton'],
  absent: [],
  disagreeing: [],
  virtual: false,
  recorded: false,
  since: label.since,
};
const reason = 'the set in force does not name it';

function terminal(options: TerminalOptions) {
  const stream = new PassThrough();
  const written = () => ((stream.read() as Buffer | null) ?? '').toString().trimEnd().split('\n');
  return { shown: createTerminal({ ...options, stream: stream as unknown as NodeJS.WriteStream }), written };
}

void t.test('lines: what is fused is told with the next label, and how to change it', (t) => {
  const { shown, written } = terminal({ switching: 'npx babel-gateway modalities --config my.yaml' });
  shown.modalities('room', { ...all, fused: ['imu'] });
  shown.modalities('room', all);
  t.strictSame(written(), [''], 'not before a label');
  shown.label('room', label, 'wave');
  const [fused, how, line, ...more] = written();
  t.equal(fused, 'room fuses imu, skeleton');
  t.equal(how, 'without skeleton: npx babel-gateway modalities --config my.yaml room imu');
  t.match(line, /room: wave \(90 %\) · imu · performed: wave · agreed in 1 of 1 windows .* · VIRTUAL SENSORS/);
  t.strictSame(more, []);
  shown.label('room', label, undefined);
  t.equal(written().length, 1, 'told once');
  shown.modalities('room', { ...all, set: ['imu'], fused: ['imu'], absent: [{ modality: 'skeleton', reason }] });
  shown.label('room', label, undefined);
  t.strictSame(written().slice(0, 2), [
    `room fuses imu · skeleton: ${reason}`,
    'all of them again: npx babel-gateway modalities --config my.yaml room all',
  ]);
  t.end();
});

void t.test('no command where none reaches the gateway, nor where one kind is left', (t) => {
  const replay = terminal({});
  replay.shown.modalities('room', all);
  replay.shown.label('room', label, undefined);
  t.equal(replay.written().length, 2);
  const one = terminal({ switching: 'npx babel-gateway modalities' });
  one.shown.modalities('room', { ...all, fused: ['imu'] });
  one.shown.label('room', label, undefined);
  t.equal(one.written().length, 2);
  t.end();
});

import t from 'tap';
import { z } from 'zod';
import { modalities } from '../../drivers/frames.js';
import { drivers, findDriver } from '../../drivers/registry.js';

void t.test('a driver is found by its name', (t) => {
  t.equal(findDriver('witmotion-wt901')?.modality, 'imu');
  t.equal(findDriver('witmotion'), undefined);
  t.end();
});

void t.test('every driver is fit for a configuration', (t) => {
  t.equal(new Set(drivers.map((driver) => driver.name)).size, drivers.length, 'names are unique');
  for (const driver of drivers) {
    t.match(driver.name, /^[a-z0-9-]+$/);
    t.ok(modalities.includes(driver.modality), driver.name);
    const defaults = driver.settings.parse({});
    t.ok(driver.nominalRate(defaults) > 0, `${driver.name}: all settings have defaults`);
    const { properties } = z.toJSONSchema(driver.settings, { io: 'input' });
    for (const [name, property] of Object.entries(properties ?? {})) {
      t.ok(typeof property === 'object' && property.description, `${driver.name}: ${name} is described`);
    }
  }
  t.end();
});

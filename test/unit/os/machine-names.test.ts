import t from 'tap';
import { machineNames } from '../../../lib/os/machine-names.js';

const UUID = '4c4c4544-0042-3510-8052-b9c04f4e4d31';

t.test('what the firmware says, or nothing', async (t) => {
  const cases: [uuid: string, serial: string, names: object][] = [
    [`${UUID.toUpperCase()}\n`, 'ABC 123 \n', { uuid: UUID, serial: 'ABC 123' }],
    ['00000000-0000-0000-0000-000000000000\n', '0\n', {}],
    ['ffffffff-ffff-ffff-ffff-ffffffffffff\n', 'Not Specified\n', {}],
    ['something\n', 'To be filled by O.E.M.\n', {}],
    ['\n', '..\n', {}],
  ];
  for (const [uuid, serial, names] of cases) {
    t.same(
      await machineNames(t.testdir({ product_uuid: uuid, product_serial: serial })),
      names,
      JSON.stringify(serial),
    );
  }
});

t.test('a machine without SMBIOS', async (t) => {
  t.same(await machineNames(`${t.testdirName}/nothing`), {});
});

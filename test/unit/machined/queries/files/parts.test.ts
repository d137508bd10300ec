/** Paths of clients, modes of Go, what must not be read: the parts without files. */
import t from 'tap';
import { goFileMode } from '../../../../../lib/machined/queries/files/go-file-mode.js';
import { beneathRoot, lenientNodePath, nodePath } from '../../../../../lib/machined/queries/files/node-path.js';
import { SpecialFiles } from '../../../../../lib/machined/queries/files/special-files.js';

t.test('paths of clients', async (t) => {
  for (const [text, path] of [
    ['/', '/'],
    ['//', '/'],
    ['/etc/', '/etc'],
    ['/a//b/./c/..', '/a/b'],
    ['/../../etc/passwd', '/etc/passwd'],
    ['/a/../../..', '/'],
    ['/…/a b\n', '/…/a b\n'],
  ] as const) {
    t.equal(nodePath(text), path, JSON.stringify(text));
  }
  for (const text of ['', 'etc', './etc', '../etc', ' /etc', '/a\0b', `/${'x'.repeat(4095)}`, `/${'é'.repeat(2048)}`]) {
    t.throws(() => nodePath(text), { name: 'ControlError', message: /path/ }, JSON.stringify(text.slice(0, 20)));
  }
  t.equal(nodePath(`/${'x'.repeat(4094)}`).length, 4095, 'the longest');
  t.same(['', 'etc', '/etc', '../etc'].map(lenientNodePath), ['/', '/etc', '/etc', '/etc']);
  t.same(['/', '/etc', '/a/b'].map(beneathRoot), ['.', 'etc', 'a/b']);
});

t.test('whatever a path is made of, it stays beneath the root', async (t) => {
  const pieces = [
    '..',
    '.',
    '',
    '/',
    '//',
    'a',
    '...',
    '.. ',
    '\\',
    '%2e%2e',
    '\u2025',
    '\n',
    '\u001b[2J',
    'x'.repeat(300),
    '\ufffd',
  ];
  let seed = 4;
  const next = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed;
  };
  let wrong = 0;
  for (let round = 0; round < 50_000; round++) {
    const parts = Array.from({ length: 1 + ((next() >>> 8) % 12) }, () => pieces[(next() >>> 8) % pieces.length]);
    const path = nodePath(`/${parts.join((next() >>> 16) % 2 ? '/' : '')}`);
    const names = path.split('/').slice(1);
    const isSound =
      path === '/' || (path.startsWith('/') && names.every((name) => name !== '' && name !== '.' && name !== '..'));
    if (!isSound || nodePath(path) !== path || beneathRoot(path).startsWith('/')) wrong++;
  }
  t.equal(wrong, 0);
});

t.test('modes as Go has them', async (t) => {
  for (const [kind, mode, expected] of [
    ['file', 0o644, 0o644],
    ['directory', 0o755, 0x8000_01ed],
    ['link', 0o777, 0x0800_01ff],
    ['block-device', 0o660, 0x0400_01b0],
    ['character-device', 0o666, 0x0420_01b6],
    ['fifo', 0o600, 0x0200_0180],
    ['socket', 0o755, 0x0100_01ed],
    ['file', 0o4755, 0x0080_01ed],
    ['file', 0o2755, 0x0040_01ed],
    ['directory', 0o1777, 0x8010_01ff],
    ['unknown', 0, 0x0008_0000],
  ] as const) {
    t.equal(goFileMode({ kind, mode }), expected, `${kind} ${mode.toString(8)}`);
  }
});

t.test('what the kernel makes up, and what of it must not be read', async (t) => {
  const special = new SpecialFiles({
    mountInfo: () =>
      (
        [
          ['0:22', 'proc'],
          ['254:1', 'ext4'],
          ['4095:1048575', 'sysfs'],
        ] as const
      ).map(([device, fstype]) => ({ device, fstype }) as never),
  });
  const status = (identity: string) => ({ identity }) as never;
  // st_dev: the lower 8 bits of the minor, 12 of the major, then the rest of the minor.
  const [proc, disk, sys] = [`${22}:1`, `${254 * 256 + 1}:1`, `${0xfff * 256 + 0xff + 0xfff00 * 4096}:1`].map(status);
  t.same(
    [proc, disk, sys].map((each) => special.isMadeUp(each as never)),
    [true, false, true],
  );
  for (const path of ['/proc/1/mem', '/proc/12/task/12/mem', '/proc/kcore', '/proc/kmsg', '/elsewhere/1/mem']) {
    t.type(special.refusal(path, proc as never), 'string', path);
  }
  for (const path of [
    ...['/system/machined/running-config.yaml', '/system/config-disk/config.yaml', '/system/kubernetes/kubeadm.yaml'],
    ...['/etc/kubernetes/pki/ca.key', '/var/lib/kubernetes/pki/ca.key', '/var/lib/kubernetes/admin.conf'],
  ]) {
    t.match(special.refusal(path, disk as never), /keys/, path);
  }
  t.equal(special.refusal('/system/other', disk as never), undefined);
  t.equal(special.refusal('/proc/1/status', proc as never), undefined);
  t.equal(special.refusal('/home/mem', disk as never), undefined, 'a name means something on proc only');
});

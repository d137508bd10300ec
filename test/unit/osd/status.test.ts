import { status } from '@grpc/grpc-js';
import t from 'tap';
import { ControlError, type FailureKind } from '../../../lib/control/errors.js';
import { RpcError, toStatus } from '../../../lib/osd/status.js';

const failed = (code: string, errno: number) =>
  Object.assign(new Error(`${code}: text, open '/secret/path'`), {
    code,
    errno,
    syscall: 'open',
    path: '/secret/path',
  });

t.test('failed system calls', async (t) => {
  const cases: [string, number, status, string][] = [
    ['ENOENT', -2, status.NOT_FOUND, 'no such file or directory'],
    ['EACCES', -13, status.PERMISSION_DENIED, 'permission denied'],
    ['EBUSY', -16, status.FAILED_PRECONDITION, 'resource busy or locked'],
    ['EMFILE', -24, status.RESOURCE_EXHAUSTED, 'too many open files'],
    ['ECONNREFUSED', -111, status.UNAVAILABLE, 'connection refused'],
    ['ECANCELED', -125, status.CANCELLED, 'operation canceled'],
  ];
  for (const [name, errno, code, details] of cases) {
    t.strictSame(toStatus(failed(name, errno)), { code, details, isOurFault: true }, name);
  }
  t.match(toStatus(failed('EDOM', -33)), { code: status.INTERNAL, details: /internal error/ }, 'one without a row');
  t.match(
    toStatus(failed('EWHAT', -99_999)),
    { code: status.INTERNAL, details: /internal error/ },
    'one that does not exist',
  );
});

t.test('failures of init and machined', async (t) => {
  const kinds: FailureKind[] = [
    'NOT_FOUND',
    'INVALID_ARGUMENT',
    'PERMISSION_DENIED',
    'FAILED_PRECONDITION',
    'UNAVAILABLE',
    'DEADLINE_EXCEEDED',
    'RESOURCE_EXHAUSTED',
  ];
  for (const kind of kinds) {
    t.strictSame(
      toStatus(new ControlError(kind, 'why')),
      { code: status[kind], details: 'why', isOurFault: false },
      kind,
    );
  }
  t.match(toStatus(new ControlError('INTERNAL', 'secret')), {
    code: status.INTERNAL,
    details: /^internal error/,
    isOurFault: true,
  });
});

t.test('anything else stays inside; long and broken texts are mended', async (t) => {
  for (const odd of [new TypeError('secret'), 'secret', undefined, null, 7, { code: 5, details: 'secret' }]) {
    t.match(toStatus(odd), { code: status.INTERNAL, details: /^internal error/, isOurFault: true });
  }
  t.equal(toStatus(new RpcError(status.NOT_FOUND, 'a\ud800b')).details, 'a\ufffdb');
  t.equal(toStatus(new RpcError(status.NOT_FOUND, 'x'.repeat(9999))).details.length, 2000);
});

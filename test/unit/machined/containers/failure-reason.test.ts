import t from 'tap';
import { failureReason } from '../../../../lib/machined/containers/failure-reason.js';

t.test('why a container could not be started', async (t) => {
  const chain =
    'containerd: Tasks/Create: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ' +
    'exec: "/sbin/none": stat /sbin/none: no such file or directory: unknown';
  t.equal(failureReason(new Error(chain)), 'exec: "/sbin/none": stat /sbin/none: no such file or directory');
  t.equal(
    failureReason(new Error('containerd: Images/Get: image "a": not found')),
    'containerd: Images/Get: image "a": not found',
    'nothing is taken from what others say',
  );
});

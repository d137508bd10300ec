/** How kubeadm is run, what becomes of what it says, and what its failures say to whoever looks after the node. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runKubeadm } from '../../../../lib/machined/kubernetes/kubeadm.js';
import { kubeadmFailure } from '../../../../lib/machined/kubernetes/kubeadm-failure.js';
import { parseKubeletFlags } from '../../../../lib/machined/kubernetes/kubelet-flags.js';

const never = new AbortController().signal;

/** A program in kubeadm's place that does what the script says. */
async function kubeadm(t: Test, script: string) {
  const program = join(t.testdir(), 'kubeadm');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  const lines: string[] = [];
  const started: string[] = [];
  const run = (more: { signal?: AbortSignal; onStartKubelet?: () => Promise<void>; maxRunMs?: number } = {}) => {
    const { signal = never, onStartKubelet = async () => void started.push(lines.at(-1) ?? '') } = more;
    const options = {
      program,
      log: (text: string) => void lines.push(text),
      ...(more.maxRunMs && { maxRunMs: more.maxRunMs }),
    };
    return runKubeadm(['init', 'phase', 'certs', 'all'], { signal, onStartKubelet }, options);
  };
  return { run, lines, started };
}

t.test('its words and its environment, line by line and without secrets', async (t) => {
  const { run, lines } = await kubeadm(
    t,
    'echo "$@"; env | grep -v ^_= | grep -v ^PWD= | sort; echo "[bootstrap-token] Using token: abcdef.0123456789abcdef" >&2; printf "no end\\033"',
  );
  await run();
  t.strictSame(lines.toSorted(), [
    'kubeadm: PATH=/usr/sbin:/usr/bin',
    'kubeadm: [bootstrap-token] Using token: abcdef.…',
    'kubeadm: init phase certs all',
    'kubeadm: no end\\x1b',
  ]);
});

t.test('the kubelet is started when it says so, before it ends', async (t) => {
  const { run, started } = await kubeadm(
    t,
    'echo "[kubelet-start] Starting the kubelet"; echo "[kubelet-start] Waiting for it"; exit 0',
  );
  await run();
  t.strictSame(started, ['kubeadm: [kubelet-start] Starting the kubelet']);
  const { run: waiting } = await kubeadm(t, 'echo "[kubelet-start] Starting the kubelet"; exec sleep 600');
  const why = waiting({
    onStartKubelet: async () => {
      throw new Error('init does not answer');
    },
  });
  await t.rejects(
    why,
    { message: 'init does not answer' },
    'what kept it from starting is why it failed, and nobody waits for it',
  );
});

t.test('its failure is one sentence', async (t) => {
  const { run } = await kubeadm(
    t,
    'echo "W1129 warning" >&2; echo "error execution phase etcd/local: no space left on device" >&2; echo "To see the stack trace of this error execute with --v=5 or higher" >&2; exit 1',
  );
  await t.rejects(run(), { code: 'ERR_KUBEADM', message: /^EPHEMERAL is full: .* \(no space left on device\)$/ });
});

t.test('it ends with its signal, or when its time is up', async (t) => {
  const { run } = await kubeadm(t, 'echo "[kubelet-start] Starting the kubelet"; exec sleep 600');
  const stop = new AbortController();
  const ended = run({ signal: stop.signal, onStartKubelet: async () => stop.abort(new Error('the node goes down')) });
  await t.rejects(ended, { message: 'the node goes down' });
  await t.rejects(run({ signal: stop.signal }), { message: 'the node goes down' }, 'and is not begun after it');
  await t.rejects(run({ maxRunMs: 50 }), { code: 'ERR_KUBEADM', message: /was ended: it was not done within 50 ms/ });
});

t.test('one that is not there', async (t) => {
  const options = { program: join(t.testdir(), 'nothing'), log: () => {} };
  await t.rejects(runKubeadm([], { signal: never, onStartKubelet: async () => {} }, options), { code: 'ENOENT' });
});

t.test('what to do about it', (t) => {
  const cases: [string, RegExp][] = [
    [
      'error execution phase preflight: couldn\'t validate the identity of the API Server: could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"',
      /does not know the token .*cluster\.token/,
    ],
    [
      "error execution phase kubelet-start: couldn't validate the identity of the API Server: failed to verify JWS signature of received cluster info object, can't trust this API Server",
      /does not know the token/,
    ],
    [
      'error execution phase kubelet-start: cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "sha256:aa" are pinned',
      /another CA: set cluster\.ca and/,
    ],
    [
      'error execution phase kubelet-start: Get "https://10.5.0.2:6443/x": x509: certificate signed by unknown authority',
      /another CA/,
    ],
    [
      'error execution phase kubelet-start: x509: certificate has expired or is not yet valid: current time 1970-01-01T00:00:09Z is before',
      /check the clocks/,
    ],
    [
      'error execution phase kubelet-start: a Node with name "node-1" and status "Ready" already exists in the cluster. You must delete',
      /a name of its own/,
    ],
    [
      'error execution phase upload-config/kubeadm: Post "https://10.5.0.2:6443/api": dial tcp 10.5.0.2:6443: connect: connection refused',
      /does not answer: check that/,
    ],
    ['error execution phase kubelet-start: timed out waiting for the condition', /does not answer/],
  ];
  for (const [said, sentence] of cases)
    t.match(
      kubeadmFailure(`[x] doing\n${said}\nTo see the stack trace of this error execute with --v=5 or higher\n`),
      sentence,
      said,
    );
  t.equal(
    kubeadmFailure('error execution phase addon/kube-proxy: something else\n'),
    'something else',
    'its own words where there are no better ones',
  );
  t.equal(kubeadmFailure('Segmentation fault\n\n'), 'Segmentation fault');
  t.equal(kubeadmFailure(''), 'it did not say why');
  t.ok(kubeadmFailure(`error: ${'x'.repeat(10_000)}`).length <= 400);
  t.equal(kubeadmFailure('error: \u001b[31mred\u202e'), '\\x1b[31mred\\u{202e}');
  t.end();
});

t.test('flags for the kubelet', (t) => {
  const file =
    'KUBELET_KUBEADM_ARGS="--container-runtime=remote --container-runtime-endpoint=unix:///run/containerd/containerd.sock --node-ip=10.5.0.2"\n';
  t.strictSame(parseKubeletFlags(file), [
    '--container-runtime=remote',
    '--container-runtime-endpoint=unix:///run/containerd/containerd.sock',
    '--node-ip=10.5.0.2',
  ]);
  t.strictSame(parseKubeletFlags('KUBELET_KUBEADM_ARGS=""\n'), []);
  t.strictSame(parseKubeletFlags('KUBELET_KUBEADM_ARGS="--node-labels=a=\\"b\\""'), ['--node-labels=a="b"']);
  for (const text of [
    '',
    'OTHER="--a=b"',
    'KUBELET_KUBEADM_ARGS="--a=b',
    'KUBELET_KUBEADM_ARGS="--a=b" --c',
    'KUBELET_KUBEADM_ARGS="rm -rf"',
    'KUBELET_KUBEADM_ARGS="--A=b"',
    'KUBELET_KUBEADM_ARGS="--a=\\x07"',
    'KUBELET_KUBEADM_ARGS="--a=\\u0007"',
  ]) {
    t.throws(() => parseKubeletFlags(text), { code: 'ERR_KUBELET_FLAGS', message: /kubeadm-flags\.env/ }, text);
  }
  t.end();
});

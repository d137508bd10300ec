/** Machine configs: what is accepted, what is refused, and where the mistake is. */
import t from 'tap';
import {
  CONFIG_TOO_LARGE,
  ConfigError,
  formatProblem,
  type GenerateOptions,
  generateConfig,
  MAX_CONFIG_BYTES,
  machineConfigJsonSchema,
  parseMachineConfig,
  parseSecrets,
  stringifySecrets,
} from '../../../lib/config/index.js';
import { needingReboot } from '../../../lib/machined/config-plan.js';
import { generateSecrets, issueClientCertificate } from '../../../lib/pki/index.js';

function problemsOf(text: string): string[] {
  try {
    parseMachineConfig(text);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(formatProblem);
  }
}

t.test('machine configs', async (t) => {
  const secrets = await generateSecrets();
  const admin = await issueClientCertificate({ ca: secrets.certs.os, roles: ['os:admin'] });
  const generate = (change: Partial<GenerateOptions> = {}) =>
    generateConfig({ clusterName: 'local', endpoint: 'https://10.5.0.2:6443', secrets, admin, ...change });
  const good = generate({ hostname: 'node-1', additionalSans: ['10.9.9.9', 'api.example'] }).controlplane;
  const lineOf = (pattern: RegExp) => good.split('\n').findIndex((line) => pattern.test(line)) + 1;

  await t.test('what is generated is accepted, without warnings', async (t) => {
    const { config, warnings } = parseMachineConfig(good);
    t.same(warnings, []);
    t.same(config.machine.ca, secrets.certs.os, 'PEM, decoded');
    t.equal(config.machine.network?.hostname, 'node-1');
    t.same(config.machine.certSANs, ['10.9.9.9', 'api.example']);
    t.equal(config.cluster.controlPlane.endpoint, 'https://10.5.0.2:6443');
    t.same(config.cluster.etcd?.ca, secrets.certs.etcd);
    t.equal(generate().controlplane, generate().controlplane, 'and generation is pure');
  });

  await t.test('a worker gets no key of any CA', async (t) => {
    const { worker } = generate();
    const { config, warnings } = parseMachineConfig(worker);
    t.same(warnings, []);
    t.same(config.machine.ca, { crt: secrets.certs.os.crt, key: '' });
    for (const { key } of [secrets.certs.os, secrets.certs.k8s, secrets.certs.etcd, secrets.certs.k8sAggregator]) {
      t.notOk(worker.includes(Buffer.from(key).toString('base64')));
    }
  });

  await t.test('options that make no sense', async (t) => {
    for (const change of [
      { endpoint: 'http://10.0.0.1:6443' },
      { endpoint: 'nonsense' },
      { clusterName: '' },
      { additionalSans: ['a b'] },
      { podSubnets: ['10.0.0.0/33'] },
    ]) {
      t.throws(() => generate(change), { code: 'ERR_CONFIG_OPTION' }, JSON.stringify(change));
    }
  });

  await t.test('unknown fields: path and line', async (t) => {
    const token = lineOf(/^ {2}token/);
    t.same(problemsOf(good.replace('  token:', '  tokn: 1\n  token:')), [`line ${token}: machine.tokn: unknown field`]);
    t.same(problemsOf(`${good}extra: {}\n`), [`line ${good.split('\n').length}: extra: unknown field`]);
    t.match(problemsOf(good.replace('hostname: node-1', 'hostnam: node-1')), [
      /^line \d+: machine\.network\.hostnam: unknown field$/,
    ]);
  });

  await t.test('all problems at once, and no value is repeated', async (t) => {
    const found = problemsOf(
      'version: v2\nmachine:\n  type: init\n  token: hunter2\n  certSANs: [fine, "not fine"]\ncluster: {controlPlane: {endpoint: x}}\n',
    );
    t.same(found, [
      'line 1: version: must be "v1alpha1"',
      'line 3: machine.type: must be "controlplane" or "worker"',
      'line 4: machine.token: is not a token of the form xxxxxx.xxxxxxxxxxxxxxxx',
      'line 2: machine.ca: is missing',
      'line 5: machine.certSANs[1]: is neither a host name nor an IP address',
      'line 6: cluster.controlPlane.endpoint: is not a URL such as https://10.5.0.2:6443',
    ]);
    t.notMatch(found.join(), /hunter2/);
  });

  await t.test('wrong types and values', async (t) => {
    const cases: [RegExp, string, RegExp][] = [
      [/debug: false/, 'debug: perhaps', /debug: must be of type boolean/],
      [/hostname: node-1/, 'hostname: "a b"', /machine\.network\.hostname: is not a host name/],
      [/^ {4}crt: .*/m, '    crt: bm90IHBlbQ==', /machine\.ca\.crt: is not base64 of a certificate in PEM/],
      [/^ {4}key: .*/m, '    key: "*"', /machine\.ca\.key: is not base64 of a private key in PEM/],
      [/^ {4}key: .*/m, '    key: ""', /machine\.ca\.key: is missing: a control plane signs/],
      [/10\.244\.0\.0\/16/, '10.244.0.0/160', /cluster\.network\.podSubnets\[0\]: is not a network/],
      [/^ {2}id: .*/m, '  id: c2hvcnQ=', /cluster\.id: is not base64 of 32 bytes/],
    ];
    for (const [pattern, text, problem] of cases) {
      t.match(problemsOf(good.replace(pattern, text)), [problem], text);
    }
  });

  await t.test('what talosctl knows and we do not: warnings', async (t) => {
    const text = good.replace('  certSANs:', '  install: {disk: /dev/sda, anything: [1]}\n  sysctls: {}\n  certSANs:');
    const warnings = parseMachineConfig(text).warnings.map(formatProblem);
    t.match(warnings, [/^line \d+: machine\.install: is not supported yet and ignored$/, /machine\.sysctls/]);
    t.same(parseMachineConfig(good.replace('  certSANs:', '  install:\n  certSANs:')).warnings, [], 'null is absent');
  });

  await t.test('what has no effect is said', async (t) => {
    const warningsOf = (text: string) => parseMachineConfig(text).warnings.map(formatProblem);
    t.match(warningsOf(good.replace('debug: false', 'debug: true')), [
      /^line \d+: debug: is not supported yet and ignored$/,
    ]);
    t.match(warningsOf(good.replace('persist: true', 'persist: false')), [/^line \d+: persist: is not supported yet/]);
    t.same(needingReboot(['persist', 'debug']), [], 'and so no reboot gives it one');
  });

  await t.test('a stream of documents', async (t) => {
    const host = (name: string) => `---\napiVersion: v1alpha1\nkind: HostnameConfig\n${name}\n`;
    const plain = generate().controlplane;
    t.equal(parseMachineConfig(`${plain}${host('hostname: other')}`).config.machine.network?.hostname, 'other');
    t.equal(parseMachineConfig(`${host('hostname: other')}---\n${plain}`).config.machine.network?.hostname, 'other');
    t.match(problemsOf(`${good}${host('hostname: other')}`), [/set by machine\.network\.hostname too/]);
    t.match(parseMachineConfig(`${plain}${host('auto: stable')}`).warnings.map(formatProblem), [
      /auto: is not supported/,
    ]);
    t.match(parseMachineConfig(`${plain}---\nkind: LinkConfig\nx: 1\n---\n`).warnings.map(formatProblem), [
      /LinkConfig is not supported/,
    ]);
    t.match(problemsOf(`${plain}---\nkind: Nonsense\n`), [/line \d+: kind: unknown kind of document "Nonsense"/]);
    t.match(problemsOf(`${plain}---\n${plain}`), [/already a document/]);
    t.match(problemsOf(host('hostname: other')), [/no document with version/]);
    t.match(problemsOf(`${plain}${host('hostname: one')}${host('hostname: two')}`), [
      /kind: there is already a document of this kind/,
    ]);
    t.match(problemsOf(`${plain}${host('hostname: one')}${host('auto: off')}`), [/already a document of this kind/]);
  });

  await t.test('DHCP on an interface', async (t) => {
    const plain = generate().controlplane;
    const dhcp = (fields: string) => `---\napiVersion: v1alpha1\nkind: DHCPv4Config\n${fields}\n`;
    const wishes = (text: string) =>
      parseMachineConfig(text).network.interfaces.map(({ selector, dhcp }) => [selector, dhcp]);
    t.same(wishes(plain), []);
    t.same(wishes(`${plain}${dhcp('name: eth0\nrouteMetric: 5')}${dhcp('name: eth1\nignoreHostname: true')}`), [
      [{ name: 'eth0' }, { isHostnameIgnored: false, metric: 5 }],
      [{ name: 'eth1' }, { isHostnameIgnored: true }],
    ]);
    t.match(parseMachineConfig(`${plain}${dhcp('name: eth0\nclientIdentifier: duid')}`).warnings.map(formatProblem), [
      /clientIdentifier: is not supported yet and ignored/,
    ]);
    t.match(problemsOf(`${plain}${dhcp('name: eth0')}${dhcp('name: eth0')}`), [/name: there is another document/]);
    t.match(problemsOf(`${plain}${dhcp('name: "eth 0"')}`), [/name: must be the name of an interface/]);
    t.match(problemsOf(`${plain}${dhcp('name: eth0\ncolour: blue')}`), [/colour: unknown field/]);
    t.match(problemsOf(`${plain}${dhcp('routeMetric: 1')}`), [/name: is missing/]);
  });

  await t.test('as large as may be, and a byte more', async (t) => {
    const text = generate().controlplane;
    const filled = (bytes: number) => text + '#'.repeat(bytes - Buffer.byteLength(text));
    t.doesNotThrow(() => parseMachineConfig(filled(MAX_CONFIG_BYTES)));
    t.throws(() => parseMachineConfig(filled(MAX_CONFIG_BYTES + 1), 'a.yaml'), {
      message: `a.yaml ${CONFIG_TOO_LARGE}`,
    });
    // Bytes, not letters.
    t.throws(() => parseMachineConfig(`# ${'ß'.repeat(MAX_CONFIG_BYTES / 2)}\n${text}`), { message: /larger/ });
  });

  await t.test('hostile text is refused, soon and with few words', async (t) => {
    const doubled = (depth: number) =>
      Array.from(
        { length: depth },
        (_, index) => `a${index}: &a${index} [${index === 0 ? 'x' : `*a${index - 1}, *a${index - 1}`}]`,
      ).join('\n');
    const texts: [string, string, RegExp][] = [
      ['alias bomb', doubled(30), /has aliases that expand to too much/],
      ['deep flow', '['.repeat(20_000), /nested too deeply|end with a \]/],
      ['deep, closed', '['.repeat(1000) + ']'.repeat(1000), /nested too deeply/],
      [
        'deep maps',
        Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
        /nested too deeply/,
      ],
      ['large', 'a'.repeat(2 ** 20 + 1), /larger than 1 MiB/],
      ['many documents', '---\na: 1\n'.repeat(1000), /more than 64 documents/],
      ['many keys, all the same', 'a: x\n'.repeat(10_000), /field a is there already/],
      ['prototype', 'machine:\n  __proto__: {type: worker}', /line 2: a field cannot have this name/],
      ['quoted prototype', '"\\x5f_proto__": 1', /cannot have this name/],
      ['constructor', 'constructor: {prototype: {x: 1}}', /constructor: unknown field/],
      ['tags', 'a: !!js/function "x"', /Unresolved tag/],
      ['YAML 1.1', '%YAML 1.1\n---\na: !!binary aGk=', /Unresolved tag/],
      ['a key that is a map', '? {a: 1}\n: x', /key must be plain text/],
      ['not YAML', 'a: b: c', /line 1/],
      ['nothing', '', /no document with version/],
      ['a list', '- 1', /must be of type object/],
      ['NUL', '\0', /line 1|type object/],
    ];
    for (const [name, text, problem] of texts) {
      const begin = process.cpuUsage();
      const found = problemsOf(text);
      t.match(found.join('\n'), problem, name);
      t.ok(found.length <= 30, `${name}: ${found.length} problems`);
      const { user, system } = process.cpuUsage(begin);
      t.ok(user + system < 5_000_000, `${name}: ${user + system} µs of CPU time`);
    }
    t.equal(({} as Record<string, unknown>).type, undefined);
  });

  await t.test('the message of an error', async (t) => {
    t.throws(() => parseMachineConfig('a: 1'), {
      code: 'ERR_CONFIG_INVALID',
      message: /^the machine config has 4 problems:\n {2}line 1: version: must be "v1alpha1"\n/,
    });
  });

  await t.test('JSON Schema', async (t) => {
    const schema = machineConfigJsonSchema() as {
      properties: { machine: { properties: Record<string, object>; additionalProperties: boolean } };
    };
    t.match(schema, { $schema: /2020-12/, required: ['version', 'machine', 'cluster'], additionalProperties: false });
    t.match(schema.properties.machine.properties.type, { enum: ['controlplane', 'worker'] });
    t.match(schema.properties.machine.properties.sysctls, { description: /not supported yet/ });
  });

  await t.test('secrets as a file', async (t) => {
    t.same(parseSecrets(stringifySecrets(secrets)), secrets);
    t.throws(() => parseSecrets(''), { message: /is empty/ });
    t.throws(() => parseSecrets('cluster: {id: x}'), { code: 'ERR_CONFIG_INVALID', message: /line 1: cluster\.id/ });
    const text = stringifySecrets({ ...secrets, certs: { ...secrets.certs, os: { ...secrets.certs.os, key: '' } } });
    t.throws(() => parseSecrets(text), { message: /certs\.os: the private key is missing/ });
  });
});

import t from 'tap';
import { shownUrl } from '../../../lib/base/shown-url.js';
import { parseConfigSource } from '../../../lib/config/config-source.js';

t.test('what talos.config= may name', (t) => {
  for (const nothing of [undefined, '', 'none']) t.equal(parseConfigSource(nothing), undefined);
  const url = 'https://user:secret@[2001:db8::1]:8443/a/node.yaml?token=secret';
  t.same(parseConfigSource(url), { kind: 'url', url });
  t.same(parseConfigSource('http://10.0.2.2:8080'), { kind: 'url', url: 'http://10.0.2.2:8080/' });
  t.same(parseConfigSource('file:///usr/share/a%20b.yaml'), { kind: 'file', path: '/usr/share/a b.yaml' });
  t.end();
});

t.test('what is not supported is named, and nothing secret with it', (t) => {
  const cases: [text: string, why: RegExp][] = [
    ['metal-iso', /talos\.config=metal-iso is not supported/],
    ['somewhere', /unless it is http/],
    ['ftp://user:secret@192.0.2.1/secret', /talos\.config=ftp: is not supported: there are http:, https: and file:/],
    ['http://secret@:x/', /unless it is http/],
    ['http://192.0.2.1/?code=${code}&secret=1', /\$\{code\}: nobody is asked for it/],
    ['http://${hostname}.example.org/secret', /before the path of the URL/],
    ['http://secret:${serial}@192.0.2.1/', /before the path of the URL/],
    ['http://192.0.2.1:${mac}', /before the path of the URL/],
    ['${uuid}', /unless it is http/],
    ['file:///secret/${uuid}', /file: is not supported with \$\{…\}/],
    ['file://host/secret', /names a file of this node/],
    ['file:///', /names a file of this node/],
    ['file:///secret/', /names a file of this node/],
    ['file:///%zzsecret', /no escape/],
    [`http://192.0.2.1/${'secret'.repeat(1000)}`, /more than 4096 characters/],
  ];
  for (const [text, why] of cases) {
    const source = parseConfigSource(text);
    t.equal(source?.kind, 'unsupported', text);
    if (source?.kind !== 'unsupported') continue;
    t.match(source.why, why);
    t.notMatch(source.why, /secret/);
  }
  t.end();
});

t.test('names of the machine may stand in path and query, and stay what they are until somebody knows them', (t) => {
  const url = 'https://192.0.2.1/${mac}/node.yaml?uuid=${uuid}&name=${hostname}';
  t.same(parseConfigSource(url), { kind: 'url', url });
  t.equal(shownUrl(url), 'https://192.0.2.1/${mac}/node.yaml');
  t.equal(shownUrl('http://192.0.2.1/%7Ba%7D'), 'http://192.0.2.1/%7Ba%7D', 'what else is escaped stays so');
  t.same(parseConfigSource('http://192.0.2.1/${other}'), { kind: 'url', url: 'http://192.0.2.1/$%7Bother%7D' });
  t.end();
});

t.test('a URL is shown without user, password and query', (t) => {
  t.equal(shownUrl('https://user:secret@192.0.2.1:8443/node.yaml?secret#secret'), 'https://192.0.2.1:8443/node.yaml');
  t.equal(shownUrl('secret'), 'a URL');
  t.end();
});

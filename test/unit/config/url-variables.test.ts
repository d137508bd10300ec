import t from 'tap';
import { hasVariableInAuthority, variablesOf, withValues } from '../../../lib/config/url-variables.js';

const URL_TEXT = 'https://192.0.2.1/${mac}/node.yaml?uuid=${uuid}&again=${mac}';

t.test('each name is found once, and nothing else', (t) => {
  t.same(variablesOf(URL_TEXT), ['mac', 'uuid']);
  t.same(variablesOf('http://192.0.2.1/$mac?{uuid}=${other}&${MAC}'), []);
  t.end();
});

t.test('values are put in everywhere; what has none stays', (t) => {
  t.equal(
    withValues(URL_TEXT, { mac: '02:00:00:00:00:01' }),
    'https://192.0.2.1/02%3A00%3A00%3A00%3A00%3A01/node.yaml?uuid=${uuid}&again=02%3A00%3A00%3A00%3A00%3A01',
  );
  t.end();
});

t.test('no value becomes more than one piece of a URL, or another name', (t) => {
  for (const value of ['a/b', 'a?b', 'a&b=c', 'a#b', '//evil.example', '${uuid}', '$&', 'ü \n']) {
    const url = new URL(withValues('http://192.0.2.1/x/${serial}/y?z=${serial}', { serial: value, uuid: 'u' }));
    t.equal(url.host, '192.0.2.1', JSON.stringify(value));
    t.equal(url.pathname.split('/').length, 4);
    t.equal(decodeURIComponent(url.pathname.split('/')[2] ?? ''), value);
    t.same([...url.searchParams], [['z', value]]);
    t.equal(url.hash, '');
  }
  t.end();
});

t.test('who is asked is not for a value to say', (t) => {
  for (const text of ['http://${hostname}/', 'http://a:${serial}@b/', 'http://a:${mac}', 'https://a.${uuid}.b?c']) {
    t.ok(hasVariableInAuthority(text), text);
  }
  for (const text of [URL_TEXT, 'http://a?${mac}', 'http://a#${mac}', 'http://a/b://${mac}', '${mac}']) {
    t.notOk(hasVariableInAuthority(text), text);
  }
  t.end();
});

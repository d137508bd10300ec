import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { ControlError } from '../../../lib/control/errors.js';
import { ConfigFetcher, type Offer } from '../../../lib/networkd/config/config-fetcher.js';
import { FetchFailed } from '../../../lib/os/fetch-text.js';

const URL = 'http://user:hunter2@192.0.2.1/node?token=1';

/** Time that passes when the test says so. */
class TestClock {
  private now = 0;
  private readonly waiting = new Set<{ atMs: number; callback: () => void }>();

  nowMs = () => this.now;

  after = (ms: number, callback: () => void) => {
    const entry = { atMs: this.now + ms, callback };
    this.waiting.add(entry);
    return () => void this.waiting.delete(entry);
  };

  /** Lets so much time pass, and all happen that is due within it. */
  async pass(ms: number): Promise<void> {
    const endMs = this.now + ms;
    // What follows from a moment is done in promises: by the next turn of the loop it has happened.
    await turn();
    for (let due = this.next(endMs); due !== undefined; due = this.next(endMs)) {
      this.waiting.delete(due);
      this.now = due.atMs;
      due.callback();
      await turn();
    }
    this.now = endMs;
  }

  private next(endMs: number) {
    return [...this.waiting].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
  }
}

/** A fetcher whose server, machined and clock the test is. */
function rig(answer: (attempt: number) => string, verdict: (offer: Offer) => void = () => {}) {
  const offers: Offer[] = [];
  const lines: string[] = [];
  const attempts: number[] = [];
  let hasAddress = true;
  const clock = new TestClock();
  const fetcher = new ConfigFetcher({
    fetch: async (_url, signal) => {
      attempts.push(clock.nowMs());
      signal.throwIfAborted();
      return answer(attempts.length);
    },
    offer: async (offer) => {
      offers.push(offer);
      if ('text' in offer) verdict(offer);
    },
    hasAddress: () => hasAddress,
    shown: () => 'http://192.0.2.1/node',
    log: (line) => lines.push(line),
    random: () => 0,
    clock,
  });
  t.teardown(() => fetcher.use(undefined));
  return {
    ...{ fetcher, offers, lines, attempts, clock },
    setAddress: (value: boolean) => {
      hasAddress = value;
    },
  };
}

const failing = (why: string) => {
  throw new FetchFailed(why);
};

t.test(
  'it waits for an address, tells each problem, tries again later and later, and hands over what comes',
  async (t) => {
    const { fetcher, offers, attempts, lines, setAddress, clock } = rig((attempt) =>
      attempt === 1 ? failing('nobody listens there') : attempt === 2 ? failing('status 404') : 'the text',
    );
    setAddress(false);
    fetcher.use(URL);
    await clock.pass(600_000);
    t.equal(attempts.length, 0, 'without an address nobody is asked');
    setAddress(true);
    fetcher.networkChanged();
    await clock.pass(600_000);
    t.same(offers, [
      { problem: 'nobody listens there' },
      { problem: 'status 404' },
      { text: 'the text', source: 'http://192.0.2.1/node' },
    ]);
    t.same(attempts, [600_000, 601_000, 603_000], 'then it is done');
    t.notMatch(lines.join('\n'), /hunter2|token/);
    fetcher.use(URL);
    await clock.pass(600_000);
    t.equal(attempts.length, 3, 'also when the same is wanted');
    fetcher.use(URL, true);
    await clock.pass(0);
    t.equal(attempts.length, 4, 'until machined, another one maybe, asks again');
  },
);

t.test('the wait grows to a minute', async (t) => {
  const { fetcher, attempts, clock } = rig(() => failing('status 404'));
  fetcher.use(URL);
  await clock.pass(300_000);
  const waits = attempts.slice(1).map((atMs, position) => atMs - (attempts[position] ?? 0));
  t.same(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

t.test('what machined does not take is fetched again; what it does not need any more is not', async (t) => {
  const kinds: ('INVALID_ARGUMENT' | 'FAILED_PRECONDITION')[] = ['INVALID_ARGUMENT', 'FAILED_PRECONDITION'];
  const { fetcher, attempts, offers, clock } = rig(
    () => 'a: 1',
    () => {
      throw new ControlError(kinds.shift() ?? 'INTERNAL', 'no');
    },
  );
  fetcher.use(URL);
  await clock.pass(600_000);
  t.same(attempts, [0, 1000]);
  t.equal(offers.length, 2, 'what is wrong with a config machined says itself');
});

t.test('a network that changes ends the wait, but no more than once a second', async (t) => {
  const { fetcher, attempts, clock } = rig(() => failing('there is no route to it'));
  fetcher.use(URL);
  await clock.pass(1500);
  for (let at = 0; at < 50; at++) fetcher.networkChanged();
  await clock.pass(1000);
  t.same(attempts, [0, 1000, 2000]);
  fetcher.use(undefined);
  fetcher.networkChanged();
  await clock.pass(600_000);
  t.equal(attempts.length, 3, 'nothing is wanted any more');
});

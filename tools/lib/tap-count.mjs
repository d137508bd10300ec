// Counts what a TAP stream says. Only assertions count: a subtest's own line repeats what its assertions say.

/**
 * @typedef {object} Count
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} failures  full names of what failed
 */

/**
 * Counts the assertions of a finished or running stream.
 * @param {import('tap-parser').Parser} parser fresh; the caller writes the stream into it
 * @returns {Count} filled while the stream runs
 */
export function countAssertions(parser) {
  const count = { passed: 0, failed: 0, failures: [] };
  const listen = (each, trail) => {
    let children = 0;
    each.on('child', (child) => {
      children++;
      listen(child, [...trail, child.name]);
    });
    each.on('assert', (assertion) => {
      // The line that closes a subtest; a subtest that failed with all its assertions passed (a broken plan, an exit
      // code) is a failure of its own.
      const closesSubtest = children > 0 && children-- > 0;
      if (closesSubtest && (assertion.ok || count.failures.some((name) => name.startsWith(fullName(trail, assertion)))))
        return;
      if (assertion.ok || assertion.todo || assertion.skip) count.passed++;
      else {
        count.failed++;
        count.failures.push(fullName(trail, assertion));
      }
    });
    each.on('bailout', (reason) => {
      count.failed++;
      count.failures.push([...trail, `bail out: ${reason}`].join(' > '));
    });
  };
  listen(parser, []);
  return count;
}

function fullName(trail, assertion) {
  return [...trail, assertion.name].filter((name) => name !== '').join(' > ');
}

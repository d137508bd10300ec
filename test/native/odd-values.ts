/** Values that no function of the addon expects, and ways to call everything with them. */

/** What a caller may pass by mistake: every type, and objects that bite. */
export function oddValues(): unknown[] {
  return [
    undefined,
    null,
    true,
    -1,
    1.5,
    Number.NaN,
    2 ** 53,
    '',
    'text',
    'nul\0inside',
    Symbol('odd'),
    1n,
    {},
    [],
    [Symbol('odd')],
    () => {},
    new Uint8Array(0),
    new Uint8Array(8),
    Object.create(null),
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('a getter that throws');
        },
      },
    ),
  ];
}

export interface Callable {
  name: string;
  /** With any receiver of the caller's choice. */
  call(receiver: unknown, args: unknown[]): unknown;
  /** Parameters that are not optional. */
  length: number;
}

/** Methods and accessors of an object and its prototypes, without JavaScript's own. */
export function membersOf(object: object, name: string): Callable[] {
  const members: Callable[] = [];
  for (let holder = object; holder && holder !== Object.prototype && holder !== Function.prototype; ) {
    for (const key of Reflect.ownKeys(holder)) {
      if (key === 'constructor') continue;
      const { value, get, set } = Reflect.getOwnPropertyDescriptor(holder, key) ?? {};
      for (const member of [value, get, set]) {
        if (typeof member !== 'function') continue;
        members.push({
          name: `${name}.${String(key)}`,
          call: (receiver, args) => Reflect.apply(member, receiver, args),
          length: member.length,
        });
      }
    }
    holder = Reflect.getPrototypeOf(holder) as object;
  }
  return members;
}

/** Lists of arguments: none, each value in all places, and mixtures that are the same every time. */
export function* oddArguments(): Generator<unknown[]> {
  const places = 6;
  const mixtures = 60;
  const values = oddValues();
  yield [];
  for (const value of values) yield Array(places).fill(value);
  let state = 1;
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  for (let round = 0; round < mixtures; round++) {
    yield Array.from({ length: 1 + random(places) }, () => values[random(values.length)]);
  }
}

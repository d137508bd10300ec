type Method = (...args: never[]) => unknown;
type Scalar = string | number | boolean | Uint8Array;
/** Only a message can be absent; anything else has a default. */
type PlainField<Value> = Value extends Scalar | readonly unknown[] ? Plain<Value> : Plain<Value> | null;

/** A decoded message as data. */
export type Plain<Value> = Value extends Scalar
  ? Value
  : Value extends readonly (infer Item)[]
    ? Plain<Item>[]
    : {
        [Name in keyof Value as Value[Name] extends Method ? never : Exclude<Name, '$unknowns'>]-?: PlainField<
          NonNullable<Value[Name]>
        >;
      };

/**
 * A message as data, in the order of its fields and with all of them: what has its default value does not travel, and is found at the class only. A
 * message within it that is not there is null.
 */
export function plain<Message>(message: Message): Plain<Message>;
export function plain(message: unknown): unknown {
  if (Array.isArray(message)) return message.map((item) => plain(item));
  if (typeof message !== 'object' || message === null || message instanceof Uint8Array) return message;
  const source = message as Readonly<Record<string, unknown>>;
  const defaults = Object.keys(Object.getPrototypeOf(message) as object);
  const names = defaults.length > 0 ? defaults : Object.keys(message);
  const fields = names.map((name) => [name, source[name]] as const).filter(([, value]) => typeof value !== 'function');
  return Object.fromEntries(fields.map(([name, value]) => [name, plain(value)]));
}

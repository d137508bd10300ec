/** What sun_path holds (unix(7)). */
const ADDRESS_BYTES = 108;

/**
 * The address of an abstract unix socket, for node:net, filled up to the whole of sun_path.
 *
 * The length is part of an abstract name. Node 20 always binds all of sun_path, with zeros behind a shorter name; later ones bind just what
 * they are given. A name that was not filled up would be two names, and no lock between them.
 * @param name ASCII, at most 107 characters
 * @throws RangeError a longer name
 */
export function abstractAddress(name: string): string {
  if (name.length >= ADDRESS_BYTES) throw new RangeError(`the abstract socket name ${name} is too long`);
  return `\0${name}`.padEnd(ADDRESS_BYTES, '-');
}

// What two builds must agree on to understand each other: field numbers and types, enum values, methods and their kinds.

/**
 * @param {import('protobufjs').NamespaceBase} root
 * @returns {Record<string, any>} full name → description, in order of name
 */
export function describeWire(root) {
  /** @type {Record<string, any>} */
  const found = {};
  visit(root, found);
  return Object.fromEntries(Object.entries(found).sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** @param {any} object @param {Record<string, any>} found */
function visit(object, found) {
  const name = object.fullName?.replace(/^\./, '');
  if (object.fields) {
    found[name] = Object.fromEntries(
      object.fieldsArray
        .map((/** @type {any} */ field) => [field.id, describeField(field)])
        .sort((/** @type {any} */ left, /** @type {any} */ right) => left[0] - right[0]),
    );
  } else if (object.values) {
    found[name] = Object.fromEntries(Object.entries(object.values).map(([key, value]) => [value, key]));
  } else if (object.methods) {
    found[name] = Object.fromEntries(
      object.methodsArray.map((/** @type {any} */ method) => [method.name, describeMethod(method)]),
    );
  }
  for (const child of object.nestedArray ?? []) visit(child, found);
}

/** @param {any} field */
function describeField(field) {
  const type = field.resolvedType ? field.resolvedType.fullName.replace(/^\./, '') : field.type;
  const name = field.name.replace(/[A-Z]/g, (/** @type {string} */ letter) => `_${letter.toLowerCase()}`);
  return `${field.repeated ? 'repeated ' : ''}${type} ${name}`;
}

/** @param {any} method */
function describeMethod(method) {
  const side = (/** @type {boolean} */ stream, /** @type {any} */ type) =>
    `${stream ? 'stream ' : ''}${type.fullName.replace(/^\./, '')}`;
  return `${side(method.requestStream, method.resolvedRequestType)} -> ${side(method.responseStream, method.resolvedResponseType)}`;
}

/**
 * Additions are fine; anything that was there must be there still, and be the same.
 * @param {Record<string, any>} before @param {Record<string, any>} after
 * @returns {string[]} one line for each break
 */
export function wireBreaks(before, after) {
  const breaks = [];
  for (const [name, members] of Object.entries(before)) {
    if (!after[name]) {
      breaks.push(`${name}: gone`);
      continue;
    }
    for (const [key, was] of Object.entries(members)) {
      const is = after[name][key];
      if (is !== was) breaks.push(`${name}.${key}: was "${was}", is ${is === undefined ? 'gone' : `"${is}"`}`);
    }
  }
  return breaks;
}

// grpc-js service tables: path, kind, and how a message becomes bytes, from the descriptors. The code imports no grpc, its types do.

// A MethodDefinition of grpc-js in which what is encoded and what comes out of decoding differ: optional fields there, all fields here.
const methodType = `
export interface Method<Request, DecodedRequest, Response, DecodedResponse> {
  path: string;
  requestSerialize(message: Request): Buffer;
  requestDeserialize(bytes: Buffer): DecodedRequest;
  responseSerialize(message: Response): Buffer;
  responseDeserialize(bytes: Buffer): DecodedResponse;
}
`;

/**
 * @param {import('protobufjs').NamespaceBase} root
 * @param {string} messages module of the message classes, relative to the table
 * @returns {{js: string, dts: string}}
 */
export function serviceTable(root, messages) {
  /** @type {any[]} */
  const services = [];
  collect(root, services);
  const packages = [
    ...new Set(services.flatMap((service) => service.methodsArray.flatMap(methodTypes)).map(packageOf)),
  ].sort();
  const imported = `{ ${packages.join(', ')} } from '${messages}';\n`;

  let js = `import ${imported}
// Types are looked up when a message comes: until then they are not made.
const method = (path, requestStream, responseStream, types) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: (message) => types()[0].encode(message).finish(),
  requestDeserialize: (bytes) => types()[0].decode(bytes),
  responseSerialize: (message) => types()[1].encode(message).finish(),
  responseDeserialize: (bytes) => types()[1].decode(bytes),
});
`;
  let dts = `import type ${imported}${methodType}`;
  for (const service of services) {
    const path = service.fullName.replace(/^\./, '');
    const name = `${service.name}Definition`;
    js += `\n/** ${path} */\nexport const ${name} = {\n`;
    dts += `\n/** ${path} */\nexport declare const ${name}: {\n`;
    for (const item of service.methodsArray) {
      const [request, response] = methodTypes(item);
      const kinds = [!!item.requestStream, !!item.responseStream];
      js += `  ${item.name}: method('/${path}/${item.name}', ${kinds.join(', ')}, () => [${request}, ${response}]),\n`;
      dts += `  ${item.name}: Method<${request}.$Properties, ${request}, ${response}.$Properties, ${response}> & {\n`;
      dts += `    requestStream: ${kinds[0]};\n    responseStream: ${kinds[1]};\n  };\n`;
    }
    js += '};\n';
    dts += '};\n';
  }
  return { js, dts };
}

/** @param {any} object @param {any[]} services */
function collect(object, services) {
  if (object.methods) services.push(object);
  for (const child of object.nestedArray ?? []) collect(child, services);
}

/** @param {any} method @returns {[string, string]} */
function methodTypes(method) {
  return [method.resolvedRequestType, method.resolvedResponseType].map((type) => type.fullName.replace(/^\./, ''));
}

/** @param {string} fullName */
function packageOf(fullName) {
  return fullName.split('.')[0];
}

/** What a control plane sends for a kubeconfig. */
import { gzipSync } from 'node:zlib';
import { TAR_END, tarHeader, tarPadding } from '../../../lib/machined/queries/files/tar-blocks.js';
import type { Handler } from '../client/fake-node.js';

/** Answers Kubeconfig. @param text  of the file */
export function sendsKubeconfig(text: () => string): Handler {
  return (_request, call) => {
    const content = Buffer.from(text());
    const header = tarHeader({
      ...{ type: 'File', path: 'kubeconfig', mode: 0o600, uid: 0, gid: 0, modifiedMs: 0 },
      sizeBytes: content.length,
    });
    call.write({ bytes: gzipSync(Buffer.concat([header, content, tarPadding(content.length), TAR_END])) });
  };
}

import { CisternError } from '../../core/error.ts';
import { realRuntime } from '../../core/runtime.ts';
import { type PollOptions, polledServers } from './polled-servers.ts';
import type { Server, ServerList } from './server-list.ts';

/**
 * Servers that a file lists, as a JSON array: `["10.0.0.1:11211", { "address": "10.0.0.2:11211", "id": "b", "weight": 2 }]`. It is read
 * again every 5 s by default, so a ConfigMap of Kubernetes or a line of your deployment script changes the pool. A file that is gone,
 * damaged, or lists none leaves the members as they were. Replace it by renaming: a half-written one is damaged.
 */
export function fileServers(path: string, options: PollOptions = {}): ServerList {
  const { files } = options.runtime ?? realRuntime;
  const name = options.name ?? `file ${path}`;
  const read = async (): Promise<readonly Server[]> => {
    const content = await files.read(path);
    if (content === undefined)
      throw new CisternError('CISTERN_UNAVAILABLE', { store: name, problem: 'there is no such file' });
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content)) as readonly Server[];
  };
  return polledServers(read, { every: '5s', ...options, name });
}

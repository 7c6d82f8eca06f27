import { readMembers, type Server, type ServerList } from './server-list.ts';

/** Servers that stay as they are as long as the process runs. */
export function staticServers(servers: readonly Server[]): ServerList {
  return {
    name: 'servers',
    members: readMembers('servers', servers),
    watch: () => () => undefined,
    look: () => undefined,
  };
}

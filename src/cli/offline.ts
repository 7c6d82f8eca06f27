import { Socket } from 'node:net';

/**
 * From now on nothing of this process connects to anything: stores that open their connections ahead wait for them in vain. Names are still
 * looked up, as a list of servers may depend on them.
 */
export function goOffline(): void {
  Socket.prototype.connect = function connect(this: Socket): Socket {
    return this;
  };
}

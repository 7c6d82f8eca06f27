import { wrongOption } from '../../core/error.ts';
import type { Target, TlsTarget } from '../../core/runtime.ts';

const allowed = "'host:port', '[IPv6 address]:port' or 'unix:/path'";

/** Reads the address of a server: `10.0.0.1:11211`, `cache.local:11211`, `[::1]:11211` or `unix:/run/memcached.sock`. */
export function readAddress(option: string, text: unknown): Target {
  if (typeof text !== 'string') throw wrongOption(option, text, allowed);
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (!path.startsWith('/') || path.includes('\0')) throw wrongOption(option, text, allowed);
    return { path };
  }
  const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || !(port >= 1 && port <= 65_535)) throw wrongOption(option, text, allowed);
  return { host: (match[1] ?? match[2])!, port };
}

/** What is PEM: a text or bytes, one or several. */
type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/** The contents of PEM files, not their paths. There is no option that switches the check of the server off. */
export interface TlsOptions {
  /** Certificates of the authorities that may have signed the server's. Default: those of the machine. */
  readonly ca?: Pem;
  /** Our own certificate and its key, where the server asks for one (`-o ssl_verify_mode=2`). */
  readonly cert?: Pem;
  readonly key?: Pem;
  /** The name that the server's certificate must have. Default: the host of its address; needed for a unix socket. */
  readonly servername?: string;
}

/** The address of a server, with TLS where it is wanted. */
export function readTarget(option: string, text: unknown, tls: unknown): Target {
  const target = readAddress(option, text);
  if (tls === undefined) return target;
  if (typeof tls !== 'object' || tls === null)
    throw wrongOption('tls', tls, 'an object: { ca, cert, key, servername }');
  const given: Record<string, unknown> = { ...tls };
  for (const [name, value] of Object.entries(given)) checkTls(name, value);
  const servername = given['servername'] ?? ('host' in target ? target.host : undefined);
  if (servername === undefined)
    throw wrongOption(
      'tls.servername',
      servername,
      'the name in the certificate of the server behind the unix socket',
    );
  if ((given['cert'] === undefined) !== (given['key'] === undefined)) {
    throw wrongOption('tls.key', hidden, "given together with 'tls.cert'");
  }
  return { ...target, tls: { ...given, servername } as TlsTarget };
}

/** What is shown in place of a secret. */
const hidden = '(hidden)';

function checkTls(name: string, value: unknown): void {
  if (value === undefined) return;
  if (name === 'servername') {
    if (typeof value !== 'string' || value === '') throw wrongOption('tls.servername', value, 'a host name');
  } else if (name === 'ca' || name === 'cert' || name === 'key') {
    const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
    const right = parts.every((each) =>
      typeof each === 'string' ? each.includes('-----BEGIN ') : each instanceof Uint8Array,
    );
    if (!right || parts.length === 0)
      throw wrongOption(`tls.${name}`, hidden, 'the content of a PEM file, or several');
  } else throw wrongOption(`tls.${name}`, hidden, 'left out: tls takes ca, cert, key and servername');
}

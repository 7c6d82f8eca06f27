import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether tests that need certificates are skipped: there is no `openssl` on this machine, and this is not CI. */
export const withoutOpenssl: boolean = !process.env['CI'] && !canRun('openssl');

function canRun(program: string): boolean {
  try {
    execFileSync(program, ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A folder of keys and self-signed certificates that are made for a test. A server that runs as another user may read it. */
export class Certificates {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'cistern-certificates-'));

  constructor() {
    chmodSync(this.folder, 0o755);
  }

  /** Makes `<name>.pem` and `<name>.key`. `subjects`: whom it is for, as `DNS:cache.internal,IP:127.0.0.1`. */
  make(name: string, subjects: string): void {
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      this.path(`${name}.key`),
    ];
    const about = ['-days', '2', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${subjects}`];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', this.path(`${name}.pem`), ...about], {
      stdio: 'ignore',
    });
    chmodSync(this.path(`${name}.key`), 0o644);
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  pem(file: string): string {
    return readFileSync(this.path(file), 'utf8');
  }

  /** Arguments for a memcached that shows this certificate. */
  memcachedArguments(name: string, ...more: readonly string[]): readonly string[] {
    const options = [
      `ssl_chain_cert=${this.path(`${name}.pem`)}`,
      `ssl_key=${this.path(`${name}.key`)}`,
      ...more,
    ];
    return ['-Z', '-o', options.join(',')];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// Certificates of an authority of the test's own: one for a server on loopback, one for a client.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes `ca.pem`, `server.pem`, `server.key`, `cert.pem` and `key.pem` (the client's) into `folder`. @param name what the server's is for */
export function makeCertificates(folder: string, name: string): void {
  mkdirSync(folder, { recursive: true });
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test-ca', '-days', '2');
  writeFileSync(join(folder, 'san'), `subjectAltName=DNS:${name}\n`);
  for (const [subject, cert, key] of [
    [name, 'server.pem', 'server.key'],
    ['client', 'cert.pem', 'key.pem'],
  ] as const) {
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', 'request.csr', '-subj', `/CN=${subject}`);
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san', '-days', '2'];
    openssl('x509', '-req', '-in', 'request.csr', ...signing, '-out', cert);
  }
}

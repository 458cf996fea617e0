// A child process as a stream: what is written goes to its standard input, what it prints comes out. A missing tool and a failing one
// are told apart. The process ends with the stream, also when that is destroyed early.
import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { SlipwayError } from '../model/index.ts';
import { withStreams } from '../sys/index.ts';
import { brokenCompression } from './errors.ts';

/** Runs `command`, found on PATH. Fails with `archive.tool-missing` or, on a non-zero exit, `archive.compression`. */
export function toolStream(command: string, args: readonly string[]): Duplex & { bytesWritten: number } {
  const child = withStreams(spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
  let complaint = '';
  let outcome: Error | null | undefined;
  let outputEnded = false;

  const stream = Object.assign(
    new Duplex({
      write(chunk: Buffer, _encoding, done) {
        stream.bytesWritten += chunk.length;
        // A tool that died reports by its exit; writing to it meanwhile is not a failure of its own.
        if (!child.stdin.writable) done();
        else child.stdin.write(chunk, () => done());
      },
      final(done) {
        child.stdin.end(() => done());
      },
      read() {
        child.stdout.resume();
      },
      destroy(error, done) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
        done(error);
      },
    }),
    { bytesWritten: 0 },
  );
  const settle = (): void => {
    if (outcome === undefined || !outputEnded) return;
    if (outcome === null) stream.push(null);
    else stream.destroy(outcome);
  };
  child.stdin.on('error', () => {});
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (complaint = (complaint + text).slice(-500)));
  child.stdout.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.stdout.on('close', () => {
    outputEnded = true;
    settle();
  });
  child.on('error', (error: NodeJS.ErrnoException) => {
    outcome =
      error.code === 'ENOENT'
        ? new SlipwayError(
            'failed-precondition',
            'archive.tool-missing',
            `this archive is compressed with ${command}, which is not installed`,
            { hints: [`install ${command}, or compress the archive with gzip or zstd`], cause: error },
          )
        : error;
    outputEnded = true;
    settle();
  });
  child.on('close', (code, signal) => {
    outcome ??= code === 0 ? null : brokenCompression(command, complaint.trim() || (signal ?? `exit code ${code}`));
    settle();
  });
  return stream;
}

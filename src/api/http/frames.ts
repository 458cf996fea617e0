// Two streams over one connection, as Docker multiplexes them: one byte for the stream, three zeros, the length as four bytes in network
// order, the bytes (moby, pkg/stdcopy).

const NUMBERS = { stdout: 1, stderr: 2, systemerr: 3 } as const;

export type StreamName = keyof typeof NUMBERS;

export function frame(stream: StreamName, data: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(NUMBERS[stream], 0);
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([head, data]);
}

// The instructions that take one plain argument or a list of them: EXPOSE, VOLUME, USER, WORKDIR, STOPSIGNAL, MAINTAINER.
import { trimSpace } from '../chars.ts';
import type { NodeReader } from './base.ts';
import type {
  ExposeInstruction,
  MaintainerInstruction,
  StopSignalInstruction,
  UserInstruction,
  VolumeInstruction,
  WorkdirInstruction,
} from './types.ts';

export function parseExpose(reader: NodeReader): ExposeInstruction {
  reader.requireWords();
  reader.flags();
  return { ...reader.base('EXPOSE'), ports: reader.words.toSorted() };
}

export function parseVolume(reader: NodeReader): VolumeInstruction {
  reader.requireWords();
  reader.flags();
  const paths = reader.node.words.map(({ value, range }) => {
    const path = trimSpace(value);
    if (path === '') reader.fail('volume-empty', 'VOLUME specified can not be an empty string', range);
    return path;
  });
  return { ...reader.base('VOLUME'), paths };
}

export function parseUser(reader: NodeReader): UserInstruction {
  const user = reader.requireOneWord();
  reader.flags();
  return { ...reader.base('USER'), user };
}

export function parseWorkdir(reader: NodeReader): WorkdirInstruction {
  const path = reader.requireOneWord();
  reader.flags();
  return { ...reader.base('WORKDIR'), path };
}

export function parseStopSignal(reader: NodeReader): StopSignalInstruction {
  // its flags are lexed and, as in BuildKit, looked at by nobody
  return { ...reader.base('STOPSIGNAL'), signal: reader.requireOneWord() };
}

export function parseMaintainer(reader: NodeReader): MaintainerInstruction {
  const maintainer = reader.requireOneWord();
  reader.flags();
  return { ...reader.base('MAINTAINER'), maintainer };
}

// Versions of the API, and how the path of a request names one.
import { SlipwayError } from '../../model/index.ts';

export const API_VERSION = '1.51';
export const MINIMUM_VERSION = '1.24';

const minorOf = (version: string): number => Number(version.split('.')[1]);

/** `/v1.43/info` taken apart; without a version it is the newest. @throws SlipwayError `api.version`, in dockerd's words */
export function splitVersion(path: string): { readonly minor: number; readonly rest: string } {
  const [, major, minor, rest] = /^\/v(\d{1,4})\.(\d{1,4})(\/.*)$/.exec(path) ?? [];
  if (rest === undefined) return { minor: minorOf(API_VERSION), rest: path };
  const refuse = (why: string): SlipwayError =>
    new SlipwayError('invalid-argument', 'api.version', `client version ${major}.${minor} is too ${why}`);
  if (Number(major) > 1 || (major === '1' && Number(minor) > minorOf(API_VERSION)))
    throw refuse(`new. Maximum supported API version is ${API_VERSION}`);
  if (major !== '1' || Number(minor) < minorOf(MINIMUM_VERSION))
    throw refuse(`old. Minimum supported API version is ${MINIMUM_VERSION}, please upgrade your client to a newer version`);
  return { minor: Number(minor), rest };
}

// Whether an image is for the platform that a container was asked for.
import type { Image } from '../image/index.ts';
import { formatPlatform, hostPlatform, matchesPlatform, parsePlatform, platformOfImage, SlipwayError } from '../model/index.ts';
import type { ContainerRequest } from './types.ts';

export interface CreateOptions {
  readonly startLater?: boolean;
  readonly onWarning?: (message: string) => void;
}

/** @throws SlipwayError `image.not-found` when the image of this name is for another platform than the one asked for */
export function checkPlatform(image: Image, request: ContainerRequest, o: CreateOptions): void {
  const have = platformOfImage(image.config);
  const want = request.platform === undefined ? hostPlatform() : parsePlatform(request.platform);
  if (matchesPlatform(have, want)) return;
  if (request.platform === undefined) {
    o.onWarning?.(
      `The requested image's platform (${formatPlatform(have)}) does not match the detected host platform (${formatPlatform(want)}) and no specific platform was requested`,
    );
    return;
  }
  throw new SlipwayError(
    'not-found',
    'image.not-found',
    `image with reference ${request.image} was found but does not provide the specified platform (${formatPlatform(want)})`,
    { exitCode: 125 },
  );
}

// Another name for a container, in its record and for those that look for it on its network.
import { SlipwayError } from '../model/index.ts';
import { aliasesIn } from './endpoints.ts';
import type { ContainerManager } from './manager.ts';
import { checkName } from './names.ts';
import { isAlive } from './transitions.ts';
import type { Container } from './types.ts';

/** @throws SlipwayError conflict `container.name-taken`, invalid-argument `container.invalid-name`, `container.same-name` */
export async function rename({ records, parts }: ContainerManager, c: Container, wanted: string): Promise<void> {
  const name = wanted.startsWith('/') ? wanted.slice(1) : wanted;
  if (name === '') throw new SlipwayError('invalid-argument', 'container.invalid-name', 'Neither old nor new names may be empty');
  if (name === c.name)
    throw new SlipwayError('invalid-argument', 'container.same-name', 'Renaming a container with the same name as its current name');
  checkName(name);
  records.rename(c.id, name);
  if (isAlive(c)) await parts.network.rename(c.id, name, (network) => aliasesIn(c, network));
}

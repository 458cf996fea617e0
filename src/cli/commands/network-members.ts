// network connect, network disconnect: which networks a container is in, while it runs or rests.
import { isIPv4 } from 'node:net';
import { connectNetwork, disconnectNetwork } from '../../engine/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import type { Command } from '../command.ts';

export const networkConnect: Command = {
  name: 'network connect',
  summary: 'Connect a container with a network',
  usage: '[OPTIONS] NETWORK CONTAINER',
  examples: ['slipway network connect app web', 'slipway network connect --ip 10.9.0.5 --alias db app web'],
  args: { min: 2, max: 2 },
  options: [
    { name: 'alias', type: 'list', placeholder: 'name', help: 'Further names on this network' },
    { name: 'ip', type: 'string', placeholder: 'ip', help: 'Its address on this network' },
  ],
  async run(ctx, o, [network = '', name = '']) {
    const ip = o.string('ip') || undefined;
    if (ip !== undefined && !isIPv4(ip))
      throw new SlipwayError('invalid-argument', 'container.endpoint', `invalid endpoint settings:\ninvalid IPv4 address: ${ip}`);
    const containers = await (await ctx.engine()).containers();
    await containers.reconcile();
    const aliases = o.list('alias');
    await connectNetwork(containers, containers.records.resolve(name), {
      network,
      ...(aliases.length > 0 && { aliases }),
      ...(ip !== undefined && { ip }),
    });
  },
};

export const networkDisconnect: Command = {
  name: 'network disconnect',
  summary: 'Take a container out of a network',
  usage: '[OPTIONS] NETWORK CONTAINER',
  examples: ['slipway network disconnect app web', 'slipway network disconnect -f app web'],
  args: { min: 2, max: 2 },
  options: [{ name: 'force', short: 'f', type: 'boolean', help: 'Also what a container has left that is gone' }],
  async run(ctx, o, [network = '', name = '']) {
    const containers = await (await ctx.engine()).containers();
    await containers.reconcile();
    try {
      await disconnectNetwork(containers, containers.records.resolve(name), network);
    } catch (error) {
      if (o.bool('force') && isSlipwayError(error) && error.code === 'container.not-found')
        throw new SlipwayError('not-found', 'network.no-endpoint', `endpoint ${name} not found`);
      throw error;
    }
  },
};

// Containers that come back when the machine starts: `system start`, and the unit of systemd that calls it; and the socket of Docker's API.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { apiUnits, serviceUnit, startByPolicies } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { findExecutable, run } from '../../sys/index.ts';
import type { Command } from '../command.ts';

const UNIT = 'slipway.service';

export const systemStart: Command = {
  name: 'system start',
  summary: 'Start the containers whose restart policies want it, as after a restart of the machine',
  usage: '',
  examples: ['slipway system start', 'slipway system start && slipway ps'],
  args: { min: 0, max: 0 },
  options: [],
  async run(ctx) {
    const { started, warnings } = await startByPolicies(await (await ctx.engine()).containers());
    for (const c of started) ctx.stdout.write(`${c.name}\n`);
    for (const warning of warnings) ctx.stderr.write(`error: ${warning}\n`);
    return warnings.length > 0 ? 1 : 0;
  },
};

export const serviceInstall: Command = {
  name: 'system service install',
  summary: "Have systemd start containers with a restart policy when the machine starts, and serve Docker's API on demand",
  usage: '[OPTIONS]',
  examples: ['slipway system service install', 'slipway system service install --api', 'slipway system service install --print'],
  args: { min: 0, max: 0 },
  options: [
    {
      name: 'folder',
      type: 'string',
      placeholder: 'folder',
      help: 'Where units are (/etc/systemd/system, for users ~/.config/systemd/user)',
    },
    { name: 'api', type: 'boolean', help: "Also a socket that starts `slipway serve` for the first client of Docker's API" },
    { name: 'print', type: 'boolean', help: 'Print the units, and install nothing' },
  ],
  async run(ctx, o) {
    const user = process.getuid?.() !== 0;
    const { root, run: runFolder } = ctx.settings;
    const facts = { selfCommand: ctx.selfCommand, root, run: runFolder, user };
    const group = user ? undefined : existingGroup();
    const units = {
      [UNIT]: serviceUnit(facts),
      ...(o.bool('api') && apiUnits({ ...facts, ...(group !== undefined && { group }) })),
    };
    if (o.bool('print')) return void ctx.stdout.write(Object.values(units).join('\n'));
    const usual = user ? join(ctx.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'systemd/user') : '/etc/systemd/system';
    const folder = o.string('folder') ?? usual;
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(units)) {
      writeFileSync(join(folder, name), text);
      ctx.stdout.write(`${join(folder, name)}\n`);
    }
    // elsewhere it belongs to a machine that is being made
    if (o.has('folder')) return;
    const systemctl = findExecutable('systemctl');
    if (systemctl === undefined)
      throw new SlipwayError(
        'failed-precondition',
        'cli.no-systemd',
        `systemctl is not installed: ${Object.keys(units).join(', ')} ${o.bool('api') ? 'are' : 'is'} written, and nothing starts it`,
        {
          hints: ['run `slipway system start` when the machine starts'],
        },
      );
    const sockets = Object.keys(units).filter((name) => name.endsWith('.socket'));
    for (const args of [['daemon-reload'], ['enable', UNIT, ...sockets], ...(sockets.length > 0 ? [['start', ...sockets]] : [])]) {
      const { exitCode, stderr } = await run(systemctl, [...(user ? ['--user'] : []), ...args]);
      // without a systemd that runs there is nothing to reload or to start; enabling works
      if (exitCode !== 0 && args[0] === 'enable')
        throw new SlipwayError('process-failed', 'cli.systemctl', `systemctl ${args.join(' ')}: ${stderr.trim()}`);
    }
  },
};

/** Whose members may use the socket, where there is such a group: systemd opens no socket for another one. */
function existingGroup(): string | undefined {
  try {
    return /^slipway:/m.test(readFileSync('/etc/group', 'utf8')) ? 'slipway' : undefined;
  } catch {
    return undefined;
  }
}

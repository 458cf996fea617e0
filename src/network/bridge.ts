// The bridge of a network: created with the first attachment, removed with the last. Removing it costs the kernel 40 ms
// of waiting, so a detached helper does that; the next process that needs the bridge waits for the helper. Callers hold the lock.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Layout } from '../store/index.ts';
import { RouteSocket, findExecutable, processAlive, processIdentity, withStreams, SYSTEM_PATH } from '../sys/index.ts';
import type { OnStart } from './changing.ts';
import {
  type Published,
  applyRules,
  bridgeRules,
  currentRules,
  iptablesRestore,
  leftoverRules,
  portsOnly,
  removalRules,
} from './firewall.ts';
import { addBridge, deleteLink, linkIndex } from './links.ts';
import type { NetworkInfo } from './types.ts';
import { crashPoint, randomBytes } from '../util/index.ts';

const FORWARDING = '/proc/sys/net/ipv4/ip_forward';

/**
 * Standard input has the rules to undo, with an end mark: without it the process died before it had written them, and everything stays. The
 * marker of the rules goes last: when the helper is killed, the next process finds the bridge whole, or a marker without a bridge
 * and clears up.
 */
const REMOVAL = `
trap '' HUP INT TERM
rules=$(cat)
case $rules in
*'# end')
  "$2" link delete "$3"
  printf '%s\\n' "$rules" | "$1" --noflush --wait && rm -f "$5"
esac
rm -f "$4"
`;

export class Bridges {
  readonly #layout: Layout;
  readonly #onStart: OnStart;

  constructor(layout: Layout, onStart: OnStart) {
    this.#layout = layout;
    this.#onStart = onStart;
  }

  exists(bridge: string): boolean {
    using socket = new RouteSocket();
    return linkIndex(socket, bridge) !== undefined;
  }

  /** Creates the bridge and its rules where they are missing, with these published ports. Returns its index. */
  async ensure(socket: RouteSocket, network: NetworkInfo, published: readonly Published[]): Promise<number> {
    const { bridge } = network;
    await this.settled(bridge);
    const present = linkIndex(socket, bridge);
    // A process died on the way: what there is of the rules is unknown.
    if (present === undefined && existsSync(this.#rulesFile(bridge))) await this.clear(network);
    if (!existsSync(this.#rulesFile(bridge))) {
      const router = readFileSync(FORWARDING, 'latin1').trim() === '1';
      writeFileSync(this.#rulesFile(bridge), network.subnet);
      crashPoint('network.before-rules');
      try {
        await applyRules(bridgeRules(network, published, router), this.#onStart);
        if (!router) writeFileSync(FORWARDING, '1');
      } catch (error) {
        // A batch takes effect as a whole per table; the first may have.
        await this.clear(network).catch(() => {});
        throw error;
      }
      crashPoint('network.rules-set');
    } else if (published.length > 0) {
      await this.publish(network, published);
    }
    const index =
      present ??
      addBridge(socket, bridge, randomMac(), { address: network.gateway, prefixLength: Number(network.subnet.split('/')[1]) }, network.mtu);
    // From 127.0.0.1 of the host to a published port; packets of others to loopback are dropped by the rules.
    if (published.length > 0) writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, '1');
    return index;
  }

  /** Whether somebody else has an interface of this name: one of ours comes after its rules. */
  isForeign(bridge: string): boolean {
    return !existsSync(this.#rulesFile(bridge)) && this.exists(bridge);
  }

  /** Makes the published ports of an existing bridge those of the list. */
  async publish(network: NetworkInfo, published: readonly Published[]): Promise<void> {
    await applyRules(portsOnly(network, published), this.#onStart);
    if (published.length > 0) writeFileSync(`/proc/sys/net/ipv4/conf/${network.bridge}/route_localnet`, '1');
  }

  /** Removes the bridge and every rule of it; returns before that is done. */
  async remove(network: NetworkInfo): Promise<void> {
    const { bridge } = network;
    await this.settled(bridge);
    const marker = this.#rulesFile(bridge);
    using socket = new RouteSocket();
    if (!existsSync(marker)) return deleteLink(socket, bridge);
    const ip = findExecutable('ip', SYSTEM_PATH);
    if (ip === undefined || linkIndex(socket, bridge) === undefined) {
      return this.clear(network);
    }
    crashPoint('network.before-removal');
    const removing = this.#removingFile(bridge);
    const helper = withStreams(
      spawn('/bin/sh', ['-c', REMOVAL, 'slipway-network', iptablesRestore(), ip, bridge, removing, marker], {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
        cwd: '/',
        env: { PATH: SYSTEM_PATH },
      }),
    );
    helper.on('error', () => {});
    helper.unref();
    // Written before the helper can end: it waits for the end of its input.
    if (helper.pid !== undefined) writeFileSync(removing, processIdentity(helper.pid));
    await new Promise<void>((resolve) => {
      helper.stdin.on('error', () => resolve());
      helper.stdin.end(`${removalRules(network)}# end\n`, () => resolve());
    });
  }

  /** Waits until no helper is taking the bridge away. */
  async settled(bridge: string): Promise<void> {
    for (;;) {
      let helper: string;
      try {
        helper = readFileSync(this.#removingFile(bridge), 'utf8');
      } catch {
        return;
      }
      if (!processAlive(helper)) {
        rmSync(this.#removingFile(bridge), { force: true });
        return;
      }
      await sleep(2);
    }
  }

  /** Removes the bridge and what there is of its rules, when what they are is unknown. */
  async clear(network: NetworkInfo): Promise<void> {
    using socket = new RouteSocket();
    deleteLink(socket, network.bridge);
    await applyRules(leftoverRules(await currentRules(), network.bridge), this.#onStart);
    rmSync(this.#rulesFile(network.bridge), { force: true });
  }

  /** There while our rules for the bridge are. */
  #rulesFile(bridge: string): string {
    return join(this.#layout.network, `${bridge}.rules`);
  }

  #removingFile(bridge: string): string {
    return join(this.#layout.network, `${bridge}.removing`);
  }
}

/** Locally administered. */
function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = (bytes[0]! & 0xfe) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

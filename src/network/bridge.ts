// The bridge of a network: made with the first attachment, taken away with the last. Taking it away costs the kernel 40 ms
// of waiting, so a detached helper does that; whoever needs the bridge meanwhile waits for the helper. Callers hold the lock.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Layout } from '../store/index.ts';
import { RouteSocket, findExecutable, processAlive, processIdentity } from '../sys/index.ts';
import type { OnStart } from './changing.ts';
import { SYSTEM_PATH, applyRules, bridgeLeftovers, currentRules, iptablesRestore, outboundRules } from './firewall.ts';
import { addBridge, deleteLink, linkIndex } from './links.ts';
import type { NetworkInfo } from './types.ts';
import { randomBytes } from '../util/index.ts';

const FORWARDING = '/proc/sys/net/ipv4/ip_forward';

/** Standard input has the rules to undo. */
const REMOVAL = `
trap '' HUP INT TERM
"$1" --noflush --wait
"$2" link delete "$3"
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

  /** Makes the bridge and its rules where they are missing. Returns its index. */
  async ensure(socket: RouteSocket, network: NetworkInfo): Promise<number> {
    await this.settled(network.bridge);
    const present = linkIndex(socket, network.bridge);
    if (present === undefined && existsSync(this.#rulesFile(network.bridge))) {
      // Somebody died on the way: what is there of the rules is unknown.
      await this.#clear(network);
    }
    if (!existsSync(this.#rulesFile(network.bridge))) {
      if (readFileSync(FORWARDING, 'latin1').trim() !== '1') writeFileSync(FORWARDING, '1');
      writeFileSync(this.#rulesFile(network.bridge), network.subnet);
      try {
        await applyRules(outboundRules('I', network.bridge, network.subnet), this.#onStart);
      } catch (error) {
        // A batch takes effect as a whole per table; the first may have.
        await this.#clear(network).catch(() => {});
        throw error;
      }
    }
    return (
      present ??
      addBridge(socket, network.bridge, randomMac(), { address: network.gateway, prefixLength: Number(network.subnet.split('/')[1]) })
    );
  }

  /** Before netavark is called: from then on it may have rules for the bridge. */
  noteNetavark(bridge: string): void {
    writeFileSync(this.#netavarkFile(bridge), '');
  }

  /** Takes the bridge and every rule of it away; returns before that is done. */
  async remove(network: NetworkInfo): Promise<void> {
    await this.settled(network.bridge);
    const marker = this.#rulesFile(network.bridge);
    const netavark = this.#netavarkFile(network.bridge);
    const rules = existsSync(netavark)
      ? bridgeLeftovers(await currentRules(), network.bridge, network.subnet)
      : existsSync(marker)
        ? outboundRules('D', network.bridge, network.subnet)
        : '';
    const ip = findExecutable('ip', SYSTEM_PATH);
    if (ip === undefined) {
      await applyRules(rules, this.#onStart);
      rmSync(marker, { force: true });
      rmSync(netavark, { force: true });
      using socket = new RouteSocket();
      deleteLink(socket, network.bridge);
      return;
    }
    rmSync(marker, { force: true });
    rmSync(netavark, { force: true });
    const removing = this.#removingFile(network.bridge);
    const helper = spawn('/bin/sh', ['-c', REMOVAL, 'slipway-network', iptablesRestore(), ip, network.bridge, removing], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
      env: { PATH: SYSTEM_PATH },
    });
    helper.on('error', () => {});
    helper.unref();
    // Written before the helper can end: it waits for the end of its input.
    if (helper.pid !== undefined) writeFileSync(removing, processIdentity(helper.pid));
    await new Promise<void>((resolve) => {
      helper.stdin.on('error', () => resolve());
      helper.stdin.end(rules, () => resolve());
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

  async #clear(network: NetworkInfo): Promise<void> {
    await applyRules(bridgeLeftovers(await currentRules(), network.bridge, network.subnet), this.#onStart);
    rmSync(this.#rulesFile(network.bridge), { force: true });
  }

  /** There while our rules for the bridge are. */
  #rulesFile(bridge: string): string {
    return join(this.#layout.network, `${bridge}.rules`);
  }

  #netavarkFile(bridge: string): string {
    return join(this.#layout.network, `${bridge}.netavark`);
  }

  #removingFile(bridge: string): string {
    return join(this.#layout.network, `${bridge}.removing`);
  }
}

/** Locally administered. */
export function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = (bytes[0]! & 0xfe) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

// docs/reference/docker.md is true: each command and flag of Docker's own help is taken by the parser, or refused with the reason given there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerCommands, GLOBAL, stateOf } from '../scripts/docker-page.ts';
import { parseArgs } from '../src/cli/args.ts';
import type { Command } from '../src/cli/command.ts';
import { ENTRIES, findCommand } from '../src/cli/commands/index.ts';
import { whyNoCommand } from '../src/cli/docker-words.ts';
import { takeGlobalFlags } from '../src/cli/global-flags.ts';

/** What hint a refusal gives; undefined when there is none. */
function hintOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (e) {
    return (e as { hints?: readonly string[] }).hints?.[0] ?? String(e);
  }
}

/** The words that call a command: `image ls`, `images`. */
const called = [...dockerCommands].flatMap(([path, docker]) => [path, ...(docker.also ?? [])].map((words) => ({ words, docker })));
const isCommand = (words: string): boolean => ENTRIES.some((e) => e.path === words);

test('each command of Docker is there, or refused with a reason', () => {
  assert.ok(called.length > 200);
  for (const { words, docker } of called) {
    if (words === '') continue;
    const reason = whyNoCommand(words);
    if (reason !== undefined) {
      assert.equal(isCommand(words), false, `${words} is there and refused`);
      const hint = hintOf(() => findCommand(words.split(' ')));
      if (docker.group !== true)
        assert.ok(hint?.startsWith('docker ') && hint.endsWith(` is not supported: ${reason}`), `${words}: ${hint}`);
      continue;
    }
    const found = findCommand(words.split(' '));
    if (docker.group === true && !isCommand(words)) continue;
    assert.equal(found.kind === 'command' && found.entry.path, words);
  }
});

test('each flag of Docker is parsed, or refused with a reason', async () => {
  let flags = 0;
  for (const { words, docker } of called.filter((c) => isCommand(c.words))) {
    const real = await ENTRIES.find((e) => e.path === words)!.load();
    const command: Command = { ...real, args: { min: 0 } };
    for (const flag of docker.flags ?? []) {
      flags++;
      const state = stateOf(words, command, flag);
      assert.ok(state !== undefined, `slipway ${words} neither has nor refuses --${flag.name}`);
      const written = [`--${flag.name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`])];
      for (const word of written) {
        const line = flag.type === undefined ? [word] : [word, '1'];
        const refusal = hintOf(() => {
          const { args } = parseArgs(words, command, line);
          assert.deepEqual(args, [], `slipway ${words} ${line.join(' ')}: a value that was not taken`);
        });
        const reason: string | undefined = /^refused: (.*)$/.exec(state)?.[1];
        if (reason === undefined) assert.equal(refusal, undefined, `slipway ${words} ${line.join(' ')}`);
        else if (word.startsWith('--')) assert.equal(refusal, `docker's --${flag.name} is not supported: ${reason}`);
      }
    }
  }
  assert.ok(flags > 900);
});

test('each flag before the command is taken, or refused', () => {
  for (const { name, type } of dockerCommands.get('')?.flags ?? []) {
    const state = GLOBAL[name] ?? assert.fail(name);
    const value = { context: 'default', 'log-level': 'debug' }[name] ?? '/tmp';
    const refusal = hintOf(() => takeGlobalFlags([`--${name}`, ...(type === undefined ? [] : [value])], {}));
    assert.equal(refusal !== undefined, state.startsWith('refused'), name);
  }
});

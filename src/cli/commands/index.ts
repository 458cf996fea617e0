// All commands by the words that call them. Each is loaded only when it is called.
import { SlipwayError } from '../../model/index.ts';
import { nearest } from '../../util/index.ts';
import type { Command } from '../command.ts';
import { whyNoCommand } from '../docker-words.ts';

export interface Entry {
  /** `image ls`. */
  readonly path: string;
  readonly summary: string;
  readonly hidden?: boolean;
  readonly load: () => Promise<Command>;
}

const same = (paths: readonly string[], summary: string, load: Entry['load']): Entry[] => paths.map((path) => ({ path, summary, load }));

/** Commands of builds: with the flags that these share. Without paths, `builder NAME` and `buildx NAME`. */
const ofBuilder = (names: readonly string[], summary: string, load: Entry['load'], paths?: readonly string[]): Entry[] =>
  same(paths ?? names.flatMap((name) => [`builder ${name}`, `buildx ${name}`]), summary, () =>
    Promise.all([load(), import('../builder-flags.ts')]).then(([command, flags]) => flags.withBuilderFlags(command)),
  );

export const ENTRIES: readonly Entry[] = [
  ...ofBuilder([], 'Build an image from a Dockerfile', () => import('./build.ts').then((m) => m.build), [
    'build',
    'image build',
    'builder build',
    'buildx build',
    'buildx b',
  ]),
  ...same(['tour'], 'Watch real multi-stage builds and containers, step by step', () => import('./tour.ts').then((m) => m.tour)),
  ...same(['lab', 'lab list'], 'Learn multi-stage builds by doing, chapter by chapter', () => import('./lab.ts').then((m) => m.labList)),
  ...same(['lab start'], 'Start a chapter of the lab', () => import('./lab.ts').then((m) => m.labStart)),
  ...same(['lab check'], 'Check what you did in a chapter', () => import('./lab.ts').then((m) => m.labCheck)),
  ...same(['lab hint'], 'Show the next hint', () => import('./lab.ts').then((m) => m.labHint)),
  ...same(['lab solution'], 'Print the solution of a chapter', () => import('./lab.ts').then((m) => m.labSolution)),
  ...same(['lab reset'], 'Restore the files of a chapter', () => import('./lab.ts').then((m) => m.labReset)),
  ...same(['init'], 'Write a multi-stage Dockerfile and a .dockerignore for the project in a folder', () =>
    import('./init.ts').then((m) => m.init),
  ),
  ...same(['bootstrap'], 'Create a stand-in for a well-known base image from Debian packages', () =>
    import('./bootstrap.ts').then((m) => m.bootstrap),
  ),
  ...same(['lock update'], 'Lock all base images of a Dockerfile to what their names stand for now', () =>
    import('./lock.ts').then((m) => m.lockUpdate),
  ),
  ...same(['lock verify'], 'Check that every base image is locked, and can be had as it was', () =>
    import('./lock.ts').then((m) => m.lockVerify),
  ),
  ...same(['lock diff'], 'Show what changed in the base images since they were locked: size and packages', () =>
    import('./lock.ts').then((m) => m.lockDiff),
  ),
  ...same(['images', 'image ls', 'image list'], 'List images', () => import('./images.ts').then((m) => m.images)),
  ...same(['pull', 'image pull'], 'Download an image from a registry', () => import('./registry.ts').then((m) => m.pull)),
  ...same(['push', 'image push'], 'Upload an image to a registry', () => import('./registry.ts').then((m) => m.push)),
  ...same(['image compare'], 'Compare the cost of images: disk, push, pull, storage', () =>
    import('./compare.ts').then((m) => m.imageCompare),
  ),
  ...same(['image size'], 'Show the size of an image by layer, path, duplicate and cache', () =>
    import('./image-contents.ts').then((m) => m.size),
  ),
  ...same(['image lean'], 'Report build-time files in an image, and the stage where they belong', () =>
    import('./image-contents.ts').then((m) => m.lean),
  ),
  ...same(['image rebase'], 'Put the layers of an image on another base, without building it again', () =>
    import('./rebase.ts').then((m) => m.rebase),
  ),
  ...same(['test', 'image test'], 'Test the files, commands and settings of an image', () => import('./test.ts').then((m) => m.test)),
  ...same(['image tree'], 'Show images as a tree of shared layers', () => import('./image-contents.ts').then((m) => m.tree)),
  ...same(['registry ls'], 'List repositories or tags at a registry', () => import('./remote.ts').then((m) => m.registryLs)),
  ...same(['registry rm'], 'Delete images at a registry', () => import('./remote.ts').then((m) => m.registryRm)),
  ...same(['registry referrers'], 'List what refers to an image', () => import('./remote.ts').then((m) => m.registryReferrers)),
  ...same(['copy'], 'Copy an image between registries, layouts and archives', () => import('./copy.ts').then((m) => m.copy)),
  ...same(['manifest create'], 'Create an image index for several platforms', () => import('./manifest.ts').then((m) => m.manifestCreate)),
  ...same(['manifest annotate'], 'Set the platform of an image in an index', () => import('./manifest.ts').then((m) => m.manifestAnnotate)),
  ...same(['manifest inspect'], 'Show a list, or what a name stands for', () => import('./manifest.ts').then((m) => m.manifestInspect)),
  ...same(['manifest push'], 'Push a list', () => import('./manifest.ts').then((m) => m.manifestPush)),
  ...same(['manifest rm'], 'Remove local indexes', () => import('./manifest.ts').then((m) => m.manifestRm)),
  ...ofBuilder([], 'Show what a name stands for at its registry', () => import('./manifest.ts').then((m) => m.imagetoolsInspect), [
    'imagetools inspect',
    'builder imagetools inspect',
    'buildx imagetools inspect',
  ]),
  ...ofBuilder([], 'Make a list of images at registries', () => import('./manifest.ts').then((m) => m.imagetoolsCreate), [
    'imagetools create',
    'builder imagetools create',
    'buildx imagetools create',
  ]),
  ...same(['login'], 'Sign in to a registry', () => import('./registry.ts').then((m) => m.login)),
  ...same(['logout'], 'Sign out of a registry', () => import('./registry.ts').then((m) => m.logout)),
  ...same(['search'], 'Search a registry for images', () => import('./search.ts').then((m) => m.search)),
  ...same(['history', 'image history'], 'Show the history of an image', () => import('./images.ts').then((m) => m.history)),
  ...same(['inspect'], 'Show all that is known of containers or images', () => import('./inspect.ts').then((m) => m.inspect)),
  ...same(['image inspect'], 'Show all that is known of images', () => import('./inspect.ts').then((m) => m.imageInspect)),
  ...same(['container inspect'], 'Show all that is known of containers', () => import('./inspect.ts').then((m) => m.containerInspect)),
  ...same(['tag', 'image tag'], 'Create another name for an image', () => import('./images.ts').then((m) => m.tag)),
  ...same(['rmi', 'image rm', 'image remove'], 'Remove images', () => import('./images.ts').then((m) => m.rmi)),
  ...same(['save', 'image save'], 'Save images to an archive', () => import('./archives.ts').then((m) => m.save)),
  ...same(['load', 'image load'], 'Load images from an archive', () => import('./archives.ts').then((m) => m.load)),
  ...same(['import', 'image import'], 'Create an image from a root file system', () =>
    import('./archives.ts').then((m) => m.importCommand),
  ),
  ...same(['diff', 'container diff'], 'Show the files that a container changed', () => import('./commit.ts').then((m) => m.diff)),
  ...same(['commit', 'container commit'], 'Create an image from a container', () => import('./commit.ts').then((m) => m.commit)),
  ...same(['cp', 'container cp'], 'Copy files between a container and this machine', () => import('./cp.ts').then((m) => m.cp)),
  ...same(['export', 'container export'], 'Export the file system of a container as an archive', () =>
    import('./archives.ts').then((m) => m.exportCommand),
  ),
  ...same(['run', 'container run'], 'Run a program in a new container', () => import('./run.ts').then((m) => m.run)),
  ...same(['create', 'container create'], 'Create a container without starting it', () => import('./run.ts').then((m) => m.create)),
  ...same(['start', 'container start'], 'Start containers', () => import('./containers.ts').then((m) => m.start)),
  ...same(['ps', 'container ls', 'container list', 'container ps'], 'List containers', () => import('./ps.ts').then((m) => m.ps)),
  ...same(['logs', 'container logs'], 'Show the output of a container', () => import('./logs.ts').then((m) => m.logs)),
  ...same(['port', 'container port'], 'Show the published ports of a container', () => import('./containers.ts').then((m) => m.port)),
  ...same(['stop', 'container stop'], 'Stop containers', () => import('./containers.ts').then((m) => m.stop)),
  ...same(['restart', 'container restart'], 'Restart containers', () => import('./containers.ts').then((m) => m.restart)),
  ...same(['pause', 'container pause'], 'Pause all processes of containers', () => import('./containers.ts').then((m) => m.pause)),
  ...same(['unpause', 'container unpause'], 'Resume paused containers', () => import('./containers.ts').then((m) => m.unpause)),
  ...same(['rename', 'container rename'], 'Rename a container', () => import('./containers.ts').then((m) => m.rename)),
  ...same(['update', 'container update'], 'Change the limits and the restart policy of containers', () =>
    import('./update.ts').then((m) => m.update),
  ),
  ...same(['stats', 'container stats'], 'Show what containers use of the machine', () => import('./stats.ts').then((m) => m.stats)),
  ...same(['top', 'container top'], 'Show the processes of a container', () => import('./containers.ts').then((m) => m.top)),
  ...same(['attach', 'container attach'], 'Attach to a running container', () => import('./containers.ts').then((m) => m.attach)),
  ...same(['kill', 'container kill'], 'Send a signal to containers', () => import('./containers.ts').then((m) => m.kill)),
  ...same(['rm', 'container rm', 'container remove'], 'Remove containers', () => import('./containers.ts').then((m) => m.rm)),
  ...same(['exec', 'container exec'], 'Run a program in a running container', () => import('./exec.ts').then((m) => m.exec)),
  ...same(['wait', 'container wait'], 'Wait for containers to exit and print their exit codes', () =>
    import('./containers.ts').then((m) => m.wait),
  ),
  {
    path: 'container cleanup',
    summary: 'Record the end of a container',
    hidden: true,
    load: () => import('./containers.ts').then((m) => m.cleanup),
  },
  {
    path: 'container supervise',
    summary: 'Start containers again as their restart policies want',
    hidden: true,
    load: () => import('./containers.ts').then((m) => m.supervise),
  },
  ...same(['container prune'], 'Remove stopped containers', () => import('./prune.ts').then((m) => m.containerPrune)),
  ...same(['image prune'], 'Remove unused images', () => import('./prune.ts').then((m) => m.imagePrune)),
  ...ofBuilder(['history', 'history ls'], 'List builds', () => import('./history.ts').then((m) => m.historyLs)),
  ...ofBuilder(['history inspect'], 'Show the steps and times of a build', () => import('./history.ts').then((m) => m.historyInspect)),
  ...ofBuilder(['history logs'], 'Show what the steps of a build wrote', () => import('./history.ts').then((m) => m.historyLogs)),
  ...ofBuilder(['history rm'], 'Forget builds', () => import('./history.ts').then((m) => m.historyRm)),
  ...ofBuilder(['report'], 'Write a build as a page of HTML: graph, timeline, reasons, output, image', () =>
    import('./report.ts').then((m) => m.report),
  ),
  ...ofBuilder(['why'], 'Say why a step of a build ran', () => import('./history.ts').then((m) => m.why)),
  ...ofBuilder(['prune'], 'Remove what builds have kept', () => import('./build-cache.ts').then((m) => m.builderPrune)),
  ...ofBuilder(['du'], 'Show how much room the build cache takes', () => import('./build-cache.ts').then((m) => m.builderDu)),
  ...ofBuilder(['create'], 'Name a set of builders elsewhere', () => import('./builder-create.ts').then((m) => m.builderCreate)),
  ...ofBuilder(['rm'], 'Forget sets of builders', () => import('./builder-create.ts').then((m) => m.builderRm)),
  ...ofBuilder(['ls'], 'List builders', () => import('./builders.ts').then((m) => m.builderLs)),
  ...ofBuilder(['inspect'], 'Show a builder', () => import('./builders.ts').then((m) => m.builderInspect)),
  ...ofBuilder(['use'], 'Choose the builder of builds', () => import('./builders.ts').then((m) => m.builderUse)),
  ...ofBuilder(['stop'], 'Stop a builder', () => import('./builders.ts').then((m) => m.builderStop)),
  ...ofBuilder(['version'], 'Show the version', () => import('./version.ts').then((m) => m.builderVersion)),
  ...same(['system prune'], 'Remove all unused data', () => import('./prune.ts').then((m) => m.systemPrune)),
  ...same(['info', 'system info'], 'Show the store and the system that it runs on', () => import('./info.ts').then((m) => m.info)),
  ...same(['events', 'system events'], 'Show what happens to containers, images, networks and volumes', () =>
    import('./events.ts').then((m) => m.events),
  ),
  ...same(['system df'], 'Show disk usage', () => import('./disk-usage.ts').then((m) => m.systemDf)),
  {
    path: 'system sync',
    summary: 'Flush new data to disk',
    hidden: true,
    load: () => import('./check.ts').then((m) => m.systemSync),
  },
  ...same(['system start'], 'Start the containers whose restart policies want it, as after a restart of the machine', () =>
    import('./service.ts').then((m) => m.systemStart),
  ),
  ...same(['system service install'], 'Have systemd start containers with a restart policy when the machine starts', () =>
    import('./service.ts').then((m) => m.serviceInstall),
  ),
  ...same(['system check'], 'Check the store, mounts and processes for damage and leftovers', () =>
    import('./check.ts').then((m) => m.systemCheck),
  ),
  ...same(['ui'], 'Show builds, also running ones, images and containers in a browser', () => import('./ui.ts').then((m) => m.ui)),
  ...same(['serve'], "Serve Docker's Engine API, for the docker command line and other clients", () =>
    import('./serve.ts').then((m) => m.serve),
  ),
  ...same(['volume ls', 'volume list'], 'List volumes', () => import('./volumes.ts').then((m) => m.volumeLs)),
  ...same(['volume inspect'], 'Show details of volumes', () => import('./volumes.ts').then((m) => m.volumeInspect)),
  ...same(['volume prune'], 'Remove unused volumes', () => import('./volumes.ts').then((m) => m.volumePrune)),
  ...same(['network ls', 'network list'], 'List networks', () => import('./networks.ts').then((m) => m.networkLs)),
  ...same(['network create'], 'Create a network', () => import('./networks.ts').then((m) => m.networkCreate)),
  ...same(['network connect'], 'Connect a container with a network', () => import('./network-members.ts').then((m) => m.networkConnect)),
  ...same(['network disconnect'], 'Take a container out of a network', () =>
    import('./network-members.ts').then((m) => m.networkDisconnect),
  ),
  ...same(['network inspect'], 'Show details of networks', () => import('./networks.ts').then((m) => m.networkInspect)),
  ...same(['network rm', 'network remove'], 'Remove networks', () => import('./networks.ts').then((m) => m.networkRm)),
  ...same(['network prune'], 'Remove networks that no running container uses', () => import('./networks.ts').then((m) => m.networkPrune)),
  ...same(['volume create'], 'Create a volume', () => import('./volumes.ts').then((m) => m.volumeCreate)),
  ...same(['volume rm', 'volume remove'], 'Remove volumes', () => import('./volumes.ts').then((m) => m.volumeRm)),
  ...same(['dockerfile format', 'dockerfile fmt'], 'Write Dockerfiles in one style', () => import('./dockerfile.ts').then((m) => m.format)),
  ...same(['dap'], 'Debug builds from an editor, by the Debug Adapter Protocol', () => import('./dap.ts').then((m) => m.dap)),
  ...same(['dockerfile flatten'], 'Write a Dockerfile with all that it includes, for any builder', () =>
    import('./dockerfile.ts').then((m) => m.flatten),
  ),
  ...same(['dockerfile ast'], 'Print the syntax tree of a Dockerfile as JSON', () => import('./dockerfile.ts').then((m) => m.ast)),
  ...same(['completion'], 'Print the completion script for bash, zsh or fish', () => import('./completion.ts').then((m) => m.completion)),
  {
    path: 'worker',
    summary: 'Work on one operation that a pipe brings',
    hidden: true,
    load: () => import('./worker.ts').then((m) => m.worker),
  },
  {
    path: '__complete',
    summary: 'Complete a command line',
    hidden: true,
    load: () => import('./completion.ts').then((m) => m.completeWords),
  },
  ...same(['version'], 'Show the version', () => import('./version.ts').then((m) => m.version)),
];

export type Found =
  | { readonly kind: 'command'; readonly entry: Entry; readonly rest: readonly string[] }
  | { readonly kind: 'help'; readonly group?: string; readonly exitCode: number };

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h';

/** The command that a command line begins with. @throws SlipwayError `cli.unknown-command` with the nearest one. */
export function findCommand(words: readonly string[]): Found {
  const [first, second, third] = words;
  if (first === undefined || isHelp(first)) return { kind: 'help', exitCode: 0 };
  if (first === 'help') return helpOn(words.slice(1));
  if (first === '--version' || first === '-v') return findCommand(['version']);
  for (const path of [words.slice(0, 4).join(' '), words.slice(0, 3).join(' ')])
    if (path.split(' ').length > 2 && whyNoCommand(path) !== undefined) throw unsupported(path);
  for (const length of [3, 2, 1]) {
    const path = words.slice(0, length).join(' ');
    const entry = ENTRIES.find((e) => e.path === path);
    if (entry) return { kind: 'command', entry, rest: words.slice(length) };
  }
  const isGroup = ENTRIES.some((e) => e.path.startsWith(`${first} `));
  if (isGroup && (second === undefined || isHelp(second))) return { kind: 'help', group: first, exitCode: 0 };
  if (isGroup && ENTRIES.some((e) => e.path.startsWith(`${first} ${second} `)) && (third === undefined || isHelp(third)))
    return { kind: 'help', group: `${first} ${second}`, exitCode: 0 };
  if (isGroup && second?.startsWith('-')) return afterGroupFlags(first, words.slice(1));
  const wanted = isGroup ? `${first} ${second}` : first;
  if (whyNoCommand(wanted) !== undefined) throw unsupported(wanted);
  throw unknownCommand(wanted);
}

/** For words that begin no command; `lab strat` stands beside `lab start`. */
export function unknownCommand(wanted: string): SlipwayError {
  const near = nearest(
    wanted,
    ENTRIES.filter((e) => !e.hidden && e.path.includes(' ') === wanted.includes(' ')).map((e) => e.path),
  );
  return new SlipwayError('invalid-argument', 'cli.unknown-command', `unknown command: slipway ${wanted}`, {
    hints: [near === undefined ? 'slipway --help lists all commands' : `did you mean slipway ${near}?`],
  });
}

const unsupported = (words: string): SlipwayError =>
  new SlipwayError('unsupported', 'cli.unknown-command', `unknown command: slipway ${words}`, {
    hints: [`docker ${words} is not supported: ${whyNoCommand(words)}`],
  });

/** `help images` is `images --help`. */
function helpOn(topic: readonly string[]): Found {
  try {
    const found = findCommand(topic);
    return found.kind === 'help' ? found : { ...found, rest: ['--help'] };
  } catch (e) {
    throw new SlipwayError('invalid-argument', 'cli.unknown-command', `unknown help topic: ${topic.join(' ')}`, {
      cause: e,
      hints: ['slipway --help lists all commands'],
    });
  }
}

/** `buildx --builder default build`: flags before a group's command belong to it. */
function afterGroupFlags(group: string, words: readonly string[]): Found {
  const rest = [...words];
  const flags: string[] = [];
  const ofBuilds = group === 'builder' || group === 'buildx';
  while (rest[0]?.startsWith('-') && !isHelp(rest[0])) {
    const word = rest.shift() ?? '';
    if (ofBuilds && (word === '-D' || word === '--debug')) flags.push('-D');
    else if (ofBuilds && word.startsWith('--builder=')) flags.push(word);
    else if (ofBuilds && word === '--builder') flags.push(`--builder=${rest.shift() ?? ''}`);
    else
      throw new SlipwayError('invalid-argument', 'cli.flag', `unknown flag: ${word}`, {
        hints: [`slipway ${group} --help lists its commands`],
        exitCode: 125,
      });
  }
  const found = findCommand([group, ...rest]);
  return found.kind === 'help' ? found : { ...found, rest: [...flags, ...found.rest] };
}

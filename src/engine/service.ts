// Units of systemd: one that starts containers with a restart policy when the machine starts, and those that serve Docker's API on demand.
// Pure text (systemd.service(5), systemd.socket(5), systemd.syntax(7)).

/** Of the units that serve the API. */
const API_UNIT = 'slipway-api';

export interface ServiceOptions {
  readonly selfCommand: readonly string[];
  /** Absolute path of the store. */
  readonly root: string;
  readonly run: string;
  /** Of a user's own systemd rather than the machine's. */
  readonly user: boolean;
}

export function serviceUnit({ selfCommand, root, run, user }: ServiceOptions): string {
  return `[Unit]
Description=Containers of slipway that have a restart policy
${user ? '' : 'Wants=network-online.target\nAfter=network-online.target local-fs.target\n'}RequiresMountsFor=${quoted(root)}

[Service]
Type=oneshot
RemainAfterExit=yes
${environment(root, run)}
${start(selfCommand, 'system', 'start')}
# the containers go on when the service is stopped
KillMode=process

[Install]
WantedBy=${user ? 'default.target' : 'multi-user.target'}
`;
}

/** The socket belongs to systemd, which starts the server for the first who connects; after five minutes without anybody it ends. */
export function apiUnits({
  selfCommand,
  root,
  run,
  group,
}: Omit<ServiceOptions, 'user'> & { readonly group?: string }): Record<string, string> {
  const socket = `${API_UNIT}.socket`;
  return {
    [socket]: `[Unit]
Description=Socket of Docker's Engine API, served by slipway

[Socket]
ListenStream=${escaped(`${run}/docker.sock`)}
SocketMode=0660
${group === undefined ? '' : `SocketGroup=${group}\n`}DirectoryMode=0755

[Install]
WantedBy=sockets.target
`,
    [`${API_UNIT}.service`]: `[Unit]
Description=Docker's Engine API, served by slipway
Requires=${socket}
After=${socket}
RequiresMountsFor=${quoted(root)}

[Service]
${environment(root, run)}
${start(selfCommand, 'serve', '--host', 'fd://', '--idle-timeout', '5m')}
# the containers go on when the server ends
KillMode=process
`,
  };
}

const environment = (root: string, run: string): string =>
  `Environment=${[`SLIPWAY_ROOT=${root}`, `SLIPWAY_RUN=${run}`].map(quoted).join(' ')}`;

const start = (selfCommand: readonly string[], ...args: string[]): string =>
  `ExecStart=${[...selfCommand, ...args].map((word) => quoted(word.replaceAll('$', '$$$$'))).join(' ')}`;

/** Specifiers mean nothing in it. */
const escaped = (path: string): string => path.replaceAll('%', '%%');

/** A word of a setting: blanks, quotes and specifiers mean nothing in it. */
function quoted(word: string): string {
  const text = word
    .replaceAll('%', '%%')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `"${text}"`;
}

// The unit of systemd that starts containers with a restart policy when the machine starts. Pure text (systemd.service(5), systemd.syntax(7)).

export interface ServiceOptions {
  readonly selfCommand: readonly string[];
  /** Absolute path of the store. */
  readonly root: string;
  readonly run: string;
  /** Of a user's own systemd rather than the machine's. */
  readonly user: boolean;
}

export function serviceUnit({ selfCommand, root, run, user }: ServiceOptions): string {
  const environment = [`SLIPWAY_ROOT=${root}`, `SLIPWAY_RUN=${run}`];
  return `[Unit]
Description=Containers of slipway that have a restart policy
${user ? '' : 'Wants=network-online.target\nAfter=network-online.target local-fs.target\n'}RequiresMountsFor=${quoted(root)}

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=${environment.map(quoted).join(' ')}
ExecStart=${[...selfCommand, 'system', 'start'].map((word) => quoted(word.replaceAll('$', '$$$$'))).join(' ')}
# the containers go on when the service is stopped
KillMode=process

[Install]
WantedBy=${user ? 'default.target' : 'multi-user.target'}
`;
}

/** A word of a setting: blanks, quotes and specifiers mean nothing in it. */
function quoted(word: string): string {
  const escaped = word
    .replaceAll('%', '%%')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
  return /^[\w./:=@%+,-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

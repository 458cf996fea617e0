// A real pseudo-terminal, which script(1) gives.

/**
 * Program and arguments that run a shell command on a terminal of its own; its exit code is the command's. `exec`: some shells stay
 * between, and a Ctrl-C would end the shell first. Which one script takes says SHELL.
 */
export const onTerminal = (command: string): [string, string[]] => ['script', ['-qec', `exec ${command}`, '/dev/null']];

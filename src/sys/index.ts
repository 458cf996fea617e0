// System calls and processes. Errors are plain system errors with `code`, `syscall` and `path`.
export { MountFlag, UmountFlag, enterPrivateMountNamespace, leaveMount, leaveMounts, mount, unmount } from './mount.ts';
export { type ConsoleListener, listenForConsole, setWindowSize } from './console.ts';
export { createNetworkNamespace, deleteNetworkNamespace, withNetworkNamespace } from './netns.ts';
export { FileType, deviceMajor, deviceMinor, futimesNs, lutimesNs, mkfifo, mknod } from './nodes.ts';
export { getXattr, listXattrs, removeXattr, setXattr } from './xattr.ts';
export { FileLock, lockedFiles } from './lock.ts';
export { Directory, listNames, O_PATH, RootedTree } from './rooted-tree.ts';
export { OpenDirectories } from './open-directories.ts';
export { openOutput, openRegular, readInput, readRegularFile, readStream, writeOutput } from './regular.ts';
export { reasonOf, whyNoPath, whyNotRead } from './reasons.ts';
export { decodeName, encodeName, isUsablePath, MAX_PATH, nativePath } from './names.ts';
export { rawTerminal } from './terminal.ts';
export { connectPacketSocket, shutdownSocket } from './unix-socket.ts';
export { keepFromChildren, peerOf } from './unix-peer.ts';
export type { LockMode } from './lock.ts';
export { allocate, removeTree, syncDirectory, syncFileSystem, treeSize, treeSizeBeside, writeFileAtomic } from './files.ts';
export { borrowMount } from './shared-mount.ts';
export { isMounted, mountPoints } from './mount-points.ts';
export { makePipe } from './pipe.ts';
export {
  findExecutable,
  identityIfAlive,
  processAlive,
  processExiting,
  processIdentity,
  processorTime,
  processStartTime,
  run,
  SYSTEM_PATH,
  withStreams,
} from './process.ts';
export type { RunOptions, RunResult } from './process.ts';
export { killNow, readProc, statFields } from './proc.ts';
export { runWatched } from './watched.ts';
export { RouteSocket, netlinkAttribute } from './netlink.ts';
export type { NetlinkMessage } from './netlink.ts';
export { diskBytes } from './files.ts';

/** Which operator mounts would hand the host to a task: system folders, engine sockets, folders that hold such sockets. */
import { lstatSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { PlanMount } from '../tasks/plan.ts';
import { isBelow } from '../tasks/urls.ts';

const SYSTEM_FOLDERS = ['/proc', '/sys', '/dev', '/etc'];

const ENGINE_SOCKETS = [
  '/run/docker.sock',
  '/var/run/docker.sock',
  '/run/podman/podman.sock',
  '/run/containerd/containerd.sock',
  '/run/crio/crio.sock',
];

/** Folders in which rootless engines keep their sockets. */
const USER_SOCKET_FOLDER = /^\/run\/user(\/\d+(\/(podman|docker))?)?$/;

const SOCKET_NAME = /(docker|podman|containerd|crio)[^/]*\.sock$/i;

/** The path as the kernel would reach it; where its end does not exist, the real path of what does. */
export const realPathOf = (given: string): string => {
  const normal = path.resolve(given);
  try {
    return realpathSync(normal);
  } catch {
    const parent = path.dirname(normal);
    return parent === normal ? normal : path.join(realPathOf(parent), path.basename(normal));
  }
};

const isSocket = (real: string): boolean =>
  lstatSync(real, { throwIfNoEntry: false })?.isSocket() ?? false;

/** Both spellings: a link such as /etc may itself lead elsewhere. */
const bothForms = (given: string): readonly string[] => [given, realPathOf(given)];

/** Why no task may write there; undefined = it may. */
export const hostDanger = (host: string): string | undefined => {
  const forms = bothForms(host);
  if (forms.includes('/')) return 'is the whole file system';
  const folders = SYSTEM_FOLDERS.flatMap(bothForms);
  const folder = folders.find((one) => forms.some((form) => isBelow(form, one)));
  if (folder !== undefined) return `lies in ${folder}`;
  if (forms.some((form) => SOCKET_NAME.test(form) || isSocket(form))) return 'is a socket';
  const sockets = ENGINE_SOCKETS.flatMap(bothForms);
  const holdsSockets = (form: string): boolean =>
    USER_SOCKET_FOLDER.test(form) || sockets.some((socket) => isBelow(socket, form));
  return forms.some(holdsSockets) ? 'is a folder that holds engine sockets' : undefined;
};

const TARGET_FOLDERS = ['/proc', '/sys', '/dev'];

const targetDanger = (target: string): string | undefined => {
  const normal = path.posix.normalize(target);
  if (normal === '/') return 'would replace the root of the container';
  const folder = TARGET_FOLDERS.find((one) => isBelow(normal, one));
  return folder === undefined ? undefined : `lies in ${folder} of the container`;
};

/** Whether it lies at or below a path of `allow_dangerous_mounts`. */
export const isNamed = (given: string, allowed: readonly string[]): boolean =>
  allowed.some((one) => isBelow(realPathOf(given), realPathOf(one)));

/** Why the mount is refused; undefined = it is fine or named in `allow_dangerous_mounts`. */
export const mountDanger = (mount: PlanMount, allowed: readonly string[]): string | undefined => {
  const sides = [
    { given: mount.host, danger: hostDanger(mount.host) },
    { given: mount.path, danger: targetDanger(mount.path) },
  ];
  const bad = sides.find(({ given, danger }) => danger !== undefined && !isNamed(given, allowed));
  return bad === undefined
    ? undefined
    : `mount of ${mount.host} at ${mount.path}: ${bad.given} ${bad.danger ?? ''}; if you are sure, add it to allow_dangerous_mounts`;
};

/** Inputs that a mount of the operator shows at their place already: the folder itself, live, where a copy would go stale (C28). Pure. */
import type { PlanInput, PlanMount } from './plan.ts';
import { hasDotDot, isBelow, segmentsOf } from './urls.ts';

const sameSegments = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((segment, index) => segment === b[index]);

const shows = ({ host, path: mounted }: PlanMount, path: string, file: string): boolean => {
  if (!isBelow(path, mounted) || [path, mounted, host, file].some(hasDotDot)) return false;
  const rest = segmentsOf(path).slice(segmentsOf(mounted).length);
  return sameSegments([...segmentsOf(host), ...rest], segmentsOf(file));
};

/** Whether one of the mounts shows this input where the task wants it, so that there is nothing to bring. */
export const isShown = (input: PlanInput, mounts: readonly PlanMount[]): boolean =>
  input.method === 'mount' &&
  input.files.some((file) => mounts.some((mount) => shows(mount, input.path, file)));

/** From `/` to what a path means at this moment, one open folder after the other, and whether it lies where tasks may go. */
import { messageOf } from '../../kernel/errors.ts';
import { hasDotDot, isBelow, segmentsOf } from '../../tasks/urls.ts';
import { refused, unavailable } from '../connect/failures.ts';
import { codeOf, systemError } from './failures.ts';
import { Place } from './place.ts';
import type { Steps } from './steps.ts';

/** As the kernel has it for links. */
const MOST_TURNS = 40;

interface Way {
  /** The last thing that was found, open. */
  readonly place: Place;
  /** Names that were not, and why. */
  readonly rest: readonly string[];
  readonly error?: Error;
}

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(messageOf(thrown));

/** What a link in `folder` means; `..` in its middle is left to the walk, since links may come before it. */
const turn = (folder: readonly string[], target: string): readonly string[] => {
  const names = segmentsOf(target);
  const up = names.findIndex((name) => name !== '..');
  const ups = up === -1 ? names.length : up;
  const base = target.startsWith('/') ? [] : folder.slice(0, Math.max(0, folder.length - ups));
  return [...base, ...names.slice(ups)];
};

/** A link begins the walk anew: all folders but the last are closed by then. */
const walk = async (steps: Steps, names: readonly string[]): Promise<Way> => {
  let place = await steps.top();
  let todo = names;
  let turns = 0;
  for (;;) {
    const [name, ...rest] = todo;
    if (name === undefined) return { place, rest: [] };
    try {
      const next = name === '..' ? { target: '..' } : await steps.step(place, name);
      if (next instanceof Place) {
        place.leave();
        place = next;
        todo = rest;
        continue;
      }
      turns += 1;
      if (turns > MOST_TURNS) throw systemError('ELOOP');
      todo = [...turn(place.names, next.target), ...rest];
    } catch (error) {
      return { place, rest: todo, error: asError(error) };
    }
    place.leave();
    place = await steps.top();
  }
};

const pathOf = (names: readonly string[]): string => `/${names.join('/')}`;

export interface Goal {
  /** For messages. */
  readonly url: string;
  readonly names: readonly string[];
  readonly roots: readonly string[];
}

/** Only what lies below a root is spoken of: elsewhere nobody learns what there is. */
const rootOf = ({ url, roots }: Goal, { place, rest }: Way): string => {
  const path = pathOf([...place.names, ...rest]);
  const root = roots.find((candidate) => isBelow(path, candidate));
  if (root === undefined || hasDotDot(path)) {
    throw refused(url, 'lies outside the allowed folders');
  }
  return root;
};

const isMissing = ({ error }: Way): boolean => codeOf(error) === 'ENOENT';

const assertRoot = ({ url }: Goal, root: string, way: Way): void => {
  if (isMissing(way) && !isBelow(way.place.path, root)) {
    throw unavailable(url, `the allowed folder ${root} is not there`);
  }
};

/** The way to what is there, or to the last folder above it that is; the caller leaves its place. @throws all but ENOENT */
const wayTo = async (steps: Steps, goal: Goal): Promise<Way> => {
  const way = await walk(steps, goal.names);
  try {
    assertRoot(goal, rootOf(goal, way), way);
    if (way.error !== undefined && !isMissing(way)) throw way.error;
    return way;
  } catch (error) {
    way.place.leave();
    throw error;
  }
};

/** The caller leaves it. */
export const reach = async (steps: Steps, goal: Goal): Promise<Place> => {
  const { place, error } = await wayTo(steps, goal);
  if (error === undefined) return place;
  place.leave();
  throw error;
};

/** Times that others may remove what was just made. */
const MOST_LOSSES = 10;

/** As `reach` for a folder, which is made when it is missing; after each that is made the whole way is judged anew. */
export const reachOrMake = async (
  steps: Steps,
  goal: Goal,
  make: (folder: Place, name: string) => Promise<void>,
): Promise<Place> => {
  for (let tries = goal.names.length + MOST_LOSSES; tries > 0; tries -= 1) {
    const { place, rest } = await wayTo(steps, goal);
    const [name] = rest;
    if (name === undefined && place.info.isDirectory()) return place;
    try {
      if (name === undefined) throw systemError('ENOTDIR');
      await make(place, name);
    } finally {
      place.leave();
    }
  }
  throw systemError('ESTALE');
};

/** `magnetar doctor`: what of the machine is fit to run tasks, what is missing, what to do. */
import {
  CHECKS,
  PULSAR_CHECKS,
  RUNTIME_CHECKS,
  embeddedOf,
  type Check,
  type CheckInput,
  type Finding,
} from './doctor-checks.ts';
import { EXIT } from './exit-codes.ts';
import { toJson, type Output } from './output.ts';

export interface DoctorInput extends CheckInput {
  readonly output: Output;
  readonly json: boolean;
}

interface Line extends Finding {
  readonly name: string;
}

const runCheck = async (check: Check, input: CheckInput): Promise<Line> => ({
  name: check.name,
  ...(await check.run(input)),
});

const RUNTIME_ADVICE =
  'install one: apt-get install bubblewrap (a trial by one trusted user), or podman, or docker';

const runtimeLine = (runtimes: readonly Line[]): Line => {
  const usable = runtimes.filter((line) => line.ok).map((line) => line.name);
  return usable.length > 0
    ? { name: 'a container runtime', ok: true, text: usable.join(', ') }
    : { name: 'a container runtime', ok: false, text: 'none works', advice: RUNTIME_ADVICE };
};

const render = (line: Line, word: string): string =>
  `${word.padEnd(8)}${line.name}: ${line.text}${line.advice === undefined ? '' : `\n        → ${line.advice}`}`;

/** Prints one line for each check; answers 1 when something needed is missing. */
export const runDoctor = async (input: DoctorInput): Promise<number> => {
  const runAll = (checks: readonly Check[]) =>
    Promise.all(checks.map((check) => runCheck(check, input)));
  const isHere = embeddedOf(input.config).length > 0; // elsewhere, the check job of the start tells
  const runtimes = isHere ? await runAll(RUNTIME_CHECKS) : [];
  const needed = [
    ...(await runAll([...CHECKS, ...(isHere ? PULSAR_CHECKS : [])])),
    ...(isHere ? [runtimeLine(runtimes)] : []),
  ];
  const ok = needed.every((line) => line.ok);
  if (input.json) {
    input.output.line(toJson({ ok, checks: needed, runtimes }));
    return ok ? EXIT.ok : EXIT.failure;
  }
  for (const line of needed) input.output.line(render(line, line.ok ? 'ok' : 'missing'));
  for (const line of runtimes) input.output.line(render(line, line.ok ? 'ok' : 'absent'));
  input.output.line(ok ? '\nready: ./bin/magnetar serve' : '\nnot ready, see above');
  return ok ? EXIT.ok : EXIT.failure;
};

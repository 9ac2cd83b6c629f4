/** What an input must be, where its URL says so: `#sha256=<hex>` at its end. It is of this server alone, and no storage is told. Pure. */
import type { PlanCheck } from './plan.ts';
import type { TaskSpec } from './spec.ts';
import { DIGEST_AT_END, redactUrl } from './urls.ts';

export const withoutCheck = (url: string): string => url.replace(DIGEST_AT_END, '');

export const checkIn = (url: string): PlanCheck | undefined => {
  const sha256 = DIGEST_AT_END.exec(url)?.[1]?.toLowerCase();
  return sha256 === undefined ? undefined : { sha256, url: redactUrl(withoutCheck(url)) };
};

/** The task with the URLs that storages know. */
export const withoutChecks = (spec: TaskSpec): TaskSpec =>
  spec.inputs === undefined
    ? spec
    : {
        ...spec,
        inputs: spec.inputs.map((input) =>
          input.url === undefined ? input : { ...input, url: withoutCheck(input.url) },
        ),
      };

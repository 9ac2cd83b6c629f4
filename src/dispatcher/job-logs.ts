/** Logs of jobs that their Pulsar still has, for people who look on. */
import type { Destination } from '../tasks/destination.ts';
import type { JobTransport } from '../tasks/ports/job-transport.ts';
import type { JobLogs } from '../tasks/read-log.ts';

export interface LogSource {
  readonly destination: Destination;
  readonly transport: JobTransport;
}

export const createJobLogs = (sources: readonly LogSource[]): JobLogs => {
  const byName = new Map(sources.map((source) => [source.destination.name, source]));
  return {
    async download(place, name, take, { signal }) {
      const source = byName.get(place.destination);
      if (source === undefined) return false;
      const maxBytes = source.destination.limits.log_bytes;
      return source.transport.download(place.job, name, take, { signal, maxBytes, aside: true });
    },
  };
};

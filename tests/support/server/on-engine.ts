/** A server whose tasks run in bubblewrap, or on a real podman where every image is the one that tests make themselves. */
import { startEngines } from '../engines.ts';
import { createSite, startServer, type Server, type Site } from './server.ts';

export const KINDS = ['bubblewrap', 'podman'] as const;

export interface Stage {
  readonly site: Site;
  readonly server: Server;
  stop(): Promise<void>;
}

const IMAGES = 'images = { "*" = "docker.io/library/busybox:latest" }';

export const startStage = async (
  kind: (typeof KINDS)[number] | 'docker',
  config: string,
): Promise<Stage> => {
  const engines = kind === 'bubblewrap' ? undefined : await startEngines([kind]);
  const site = await createSite({
    runtime: kind,
    config,
    ...(engines === undefined ? {} : { destination: IMAGES, environment: engines.environment }),
  });
  const server = await startServer(site);
  return {
    site,
    server,
    async stop() {
      await server.stop();
      await site.remove();
      await engines?.stop();
    },
  };
};

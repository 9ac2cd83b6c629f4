/** nginx on loopback with a folder of its own: ranges, index pages, PUT, Basic authentication. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.ts';
import { servedFolder, type ServedFolder } from './names.ts';
import { freePort } from './ports.ts';

export const NGINX_USER = 'nginx-user';
export const NGINX_PASSWORD = 'nginx p@ss:word';

const passwordLine = (): string => {
  const salt = 'salt';
  const digest = createHash('sha1').update(NGINX_PASSWORD).update(salt).digest();
  return `${NGINX_USER}:{SSHA}${Buffer.concat([digest, Buffer.from(salt)]).toString('base64')}\n`;
};

const configuration = (port: number): string => `
${process.getuid?.() === 0 ? `user ${userInfo().username};` : ''}
daemon off; master_process off; pid nginx.pid; error_log stderr error;
events { worker_connections 256; }
http {
  types { text/html html; }
  default_type application/octet-stream; access_log off; sendfile on; client_max_body_size 0;
  client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; fastcgi_temp_path tmp/fcgi;
  uwsgi_temp_path tmp/uwsgi; scgi_temp_path tmp/scgi;
  server {
    listen 127.0.0.1:${String(port)};
    dav_methods PUT; create_full_put_path on;
    location /files/ { alias www/; autoindex on; auth_basic t; auth_basic_user_file htpasswd; }
    location /open/ { alias www/; autoindex on; }
    location /json/ { alias www/; autoindex on; autoindex_format json; }
    location /plain/ { alias www/; max_ranges 0; etag off; }
    location /moved/ { rewrite ^/moved/(.*)$ /files/$1 redirect; }
    location = /busy { add_header Retry-After 7 always; return 503; }
  }
}
`;

export interface Nginx extends ServedFolder {
  readonly port: number;
  stop(): Promise<void>;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

export const startNginx = async (): Promise<Nginx> => {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'));
  for (const name of ['www', 'tmp']) await mkdir(join(folder, name));
  const port = await freePort();
  await writeFile(join(folder, 'htpasswd'), passwordLine());
  await writeFile(join(folder, 'nginx.conf'), configuration(port));
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  await until(
    () => {
      if (child.exitCode !== null) throw new Error('nginx ended at its start');
      return answers(port);
    },
    { what: 'nginx' },
  );
  return {
    ...servedFolder(join(folder, 'www')),
    port,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
};

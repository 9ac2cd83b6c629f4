/** An FTP server that lies about the sizes of its files: `/short` announces 10 bytes and sends 5, `/long` announces 3. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { startTcpServer, type SmallServer } from './ports.ts';

const SENT = '12345';

const openData = async (control: Socket): Promise<Socket> => {
  const data = createServer().listen(0, '127.0.0.1');
  await once(data, 'listening');
  const connected = once(data, 'connection').then(([socket]) => {
    data.close();
    return socket as Socket;
  });
  control.once('close', () => data.close());
  control.write(`229 Extended (|||${String((data.address() as AddressInfo).port)}|)\r\n`);
  return connected;
};

const REPLIES: Readonly<Record<string, string>> = {
  USER: '331 password',
  PASS: '230 in',
  PWD: '257 "/"',
  TYPE: '200 ok',
  QUIT: '221 bye',
};

export const startShortFtpServer = (): Promise<SmallServer> =>
  startTcpServer((control) => {
    let data: Promise<Socket> | undefined;
    const answer = async (line: string): Promise<void> => {
      const [command = '', path = ''] = line.split(' ');
      if (command === 'EPSV') {
        data = openData(control);
        return;
      }
      if (command === 'RETR') {
        control.write('150 here\r\n');
        (await data)?.end(SENT);
        control.write('226 done\r\n');
        return;
      }
      if (command === 'SIZE') control.write(`213 ${path.endsWith('long') ? '3' : '10'}\r\n`);
      else control.write(`${REPLIES[command] ?? '502 no'}\r\n`);
    };
    control.write('220 ready\r\n');
    control.on('data', (bytes: Buffer) => {
      for (const line of bytes.toString().trimEnd().split('\r\n')) void answer(line);
    });
  });

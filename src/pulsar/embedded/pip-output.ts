/** Reads what pip prints: how far it is, and in a failure what to do about it. */

export type OnProgress = (line: string) => void;

/** Every so many packages: a line for each of them would push everything else off a terminal. */
const STEP = 10;

/** Tells `onProgress` of the first package and every tenth; pip names those it skips because a marker says so before the first one. */
export const createPipReader = (pinned: number, onProgress: OnProgress) => {
  let total = pinned;
  let n = 0;
  return (line: string): void => {
    if (line.startsWith('Ignoring ')) total -= 1;
    const name = /^Collecting ([^\s=<>[;]+)/.exec(line)?.[1];
    if (name !== undefined) {
      n += 1;
      if (n === 1 || n % STEP === 0) {
        onProgress(`installing Pulsar: package ${String(n)} of ${String(total)} (${name})`);
      }
    }
    if (line.startsWith('Installing collected packages')) {
      onProgress(`installing Pulsar: unpacking ${String(n)} packages`);
    }
  };
};

/** What pip says, and what to do; the first row that matches counts. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /DO NOT MATCH THE HASHES/,
    'a package differs from the pinned one: the package index or a proxy on the way changed it',
  ],
  [/No space left|Disk quota exceeded/i, 'the disk is full: free about 400 MB'],
  [/CERTIFICATE_VERIFY_FAILED|SSLError/, 'the certificate of the package index is not trusted'],
  [
    /NewConnectionError|ConnectTimeout|ReadTimeout|NameResolution|ProxyError|Max retries|Connection (refused|reset|broken|aborted)/i,
    'the package index cannot be reached: the first start needs the network (pip follows HTTPS_PROXY and PIP_INDEX_URL)',
  ],
  [
    /No matching distribution/,
    'there is no ready-made package for this computer: use Linux (glibc) or macOS on x86-64 or arm64',
  ],
];

const withoutSecrets = (text: string): string => text.replace(/\/\/[^/\s@]*@/g, '//***@');

/** One sentence from pip's output; the last error line is quoted. */
export const pipComplaint = (output: readonly string[]): string => {
  const text = output.join('\n');
  const advice = ADVICE.find(([pattern]) => pattern.test(text))?.[1] ?? 'pip failed';
  const last = output.findLast((line) => line.startsWith('ERROR')) ?? output.at(-1) ?? '';
  return `${advice} [${withoutSecrets(last).slice(0, 300)}]`;
};

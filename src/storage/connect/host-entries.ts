/** What the configuration says of single hosts. */

/** `data.example`, or `data.example:8080` for one port of it. */
interface HostEntry {
  readonly host: string;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = {
  'http:': '80',
  'https:': '443',
  'ftp:': '21',
};

/** The entry for the host of a URL: that of its port first. */
export const entryFor = <Entry extends HostEntry>(
  { protocol, hostname, port }: URL,
  entries: readonly Entry[],
): Entry | undefined => {
  const withPort = `${hostname}:${port === '' ? (DEFAULT_PORTS[protocol] ?? '') : port}`;
  return (
    entries.find(({ host }) => host.toLowerCase() === withPort) ??
    entries.find(({ host }) => host.toLowerCase() === hostname)
  );
};

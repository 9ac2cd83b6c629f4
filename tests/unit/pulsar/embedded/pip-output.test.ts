import { describe, expect, it } from 'vitest';
import { createPipReader, pipComplaint } from '../../../../src/pulsar/embedded/pip-output.ts';

describe('createPipReader', () => {
  it('tells of the first package and every tenth, without those that a marker skips', () => {
    const said: string[] = [];
    const read = createPipReader(12, (line) => said.push(line));
    const output = [
      "Ignoring appdirs: markers 'python_full_version >= 3.13' don't match your environment",
      'Collecting pulsar-app[amqp,web]==0.16.0 (from -r requirements.txt (line 1))',
      '  Downloading pulsar_app-0.16.0-py3-none-any.whl (1 MB)',
      ...Array.from({ length: 10 }, (_, n) => `Collecting p${String(n + 2)}==1`),
      'Installing collected packages: p2, pulsar-app',
    ];
    output.forEach(read);
    expect(said).toEqual([
      'installing Pulsar: package 1 of 11 (pulsar-app)',
      'installing Pulsar: package 10 of 11 (p10)',
      'installing Pulsar: unpacking 11 packages',
    ]);
  });
});

describe('pipComplaint', () => {
  it.each([
    ['ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.', 'differs from'],
    ['ERROR: Could not install packages: [Errno 28] No space left on device', 'disk is full'],
    ['WARNING: Retrying: SSLError(CERTIFICATE_VERIFY_FAILED)', 'certificate'],
    ['WARNING: Retrying: NewConnectionError(<x>)', 'cannot be reached'],
    ['WARNING: Retrying: ProxyError', 'cannot be reached'],
    ['ERROR: No matching distribution found for grpcio==1.85.1', 'no ready-made package'],
    ['Killed', 'pip failed'],
  ])('%s', (line, advice) => {
    expect(pipComplaint(['Collecting x', line])).toContain(advice);
  });

  it('quotes the last error without a password', () => {
    const output = ['ERROR: first', 'ERROR: at //me:pass@host/simple', 'more'];
    expect(pipComplaint(output)).toBe('pip failed [ERROR: at //***@host/simple]');
    expect(pipComplaint([])).toBe('pip failed []');
  });
});

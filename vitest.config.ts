// One run per area: `vitest run tests/unit`. Files of slow areas run one after another: they share the machine's engines and ports.
import { defineConfig } from 'vitest/config';

const seconds = (n: number): number => n * 1000;

const slow = { testTimeout: seconds(120), hookTimeout: seconds(420), fileParallelism: false };

const AREAS = {
  unit: { testTimeout: seconds(20), hookTimeout: seconds(20) },
  property: { testTimeout: seconds(60), hookTimeout: seconds(20) },
  conformance: { ...slow, testTimeout: seconds(300) },
  contract: { testTimeout: seconds(60), hookTimeout: seconds(420) },
  integration: slow,
  e2e: slow,
  clients: { ...slow, testTimeout: seconds(300) },
  chaos: { ...slow, testTimeout: seconds(300) },
};

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: Object.entries(AREAS).map(([name, options]) => ({
      test: { name, include: [`tests/${name}/**/*.test.ts`], pool: 'forks', ...options },
    })),
  },
});

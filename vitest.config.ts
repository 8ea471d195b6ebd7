import { defineConfig } from 'vitest/config';

/** Generous: the machine may have two cores and run other things beside the tests. */
const shared = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  teardownTimeout: 30_000,
  environment: 'node',
  expect: { poll: { timeout: 15_000, interval: 20 } },
} as const;

/** Whole clusters, after everything else; they wait most of the time, so two at once are no more than two cores carry. */
const cluster = {
  testTimeout: 300_000,
  hookTimeout: 180_000,
  sequence: { groupOrder: 2 },
} as const;

export default defineConfig({
  test: {
    globalSetup: ['test/harness/global-setup.ts'],
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['{packages,services,web,scripts,loadtest,test/harness}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
        },
      },
      {
        test: {
          ...shared,
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 90_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          ...cluster,
          name: 'e2e',
          globalSetup: ['test/harness/build-setup.ts'],
          include: ['test/{e2e,chaos}/**/*.test.ts'],
        },
      },
      {
        // After the others, not beside them: a browser fails its requests when a network of Docker comes or goes.
        test: {
          ...shared,
          ...cluster,
          sequence: { groupOrder: 3 },
          name: 'containers',
          globalSetup: ['test/containers/images-setup.ts'],
          include: ['test/containers/**/*.test.ts'],
        },
      },
    ],
  },
});

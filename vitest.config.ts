import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts', 'bench/**/*.test.ts'],
    // Tests start real servers and child processes on machines that may be busy: slow is not wrong.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A forgotten `.only` would leave the rest unrun.
    allowOnly: false,
    // An unhandled rejection fails the run, whichever test it came from.
    dangerouslyIgnoreUnhandledErrors: false,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/**/*.test.ts'] },
  },
});

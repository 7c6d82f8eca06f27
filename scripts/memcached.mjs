import { findProgram, run } from './command.mjs';

const noQuestions = { DEBIAN_FRONTEND: 'noninteractive' };

/**
 * Sees to it that memcached, the real server of the tests, is installed: root on Debian or Ubuntu gets it from the
 * system's packages. Resolves with what was done or is to be done, in one line, and the output of what failed.
 */
export async function provideMemcached() {
  if (findProgram('memcached') !== undefined) return { present: true };
  const apt = findProgram('apt-get');
  if (apt === undefined || process.getuid?.() !== 0) {
    return {
      present: false,
      note: `memcached is missing: install it (Debian, Ubuntu: 'sudo apt-get install memcached'; macOS: 'brew install memcached') and run again.`,
    };
  }
  const install = () =>
    run(apt, ['install', '-y', '--no-install-recommends', 'memcached'], { env: noQuestions });
  let result = await install();
  if (result.code !== 0) {
    // A fresh machine has no package lists, or old ones.
    const update = await run(apt, ['update'], { env: noQuestions });
    result = await install();
    result.output = update.output + result.output;
  }
  return result.code === 0 && findProgram('memcached') !== undefined
    ? { present: true, note: `memcached was missing: installed by 'apt-get install memcached'.` }
    : {
        present: false,
        note: `memcached is missing and 'apt-get install memcached' failed: install it by hand and run again.`,
        output: result.output,
      };
}

// Before `npm start` and `npm test`: installs the dependencies when they are missing, half there or out of date, and
// builds the package when it is missing or older than its sources. Says nothing when nothing is to be done. It runs
// before anything is installed, on any Node from 20: built-in modules only. What it says goes to stderr, so that the
// output of the command itself stays clean.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildProblem } from './build-state.mjs';
import { installProblem, nodeProblem } from './install-state.mjs';
import { withLock } from './prepare-lock.mjs';

const root = join(fileURLToPath(import.meta.url), '..', '..');
const oldest = 20;

try {
  if (Number.parseInt(process.versions.node, 10) < oldest) {
    throw new Error(`Node ${oldest} or newer is needed to start; this is ${process.version}.`);
  }
  if ((installProblem(root) ?? nodeProblem(root) ?? buildProblem(root)) !== undefined) {
    await withLock(join(root, '.cistern'), say, prepare);
  }
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

async function prepare() {
  const missing = installProblem(root) ?? nodeProblem(root);
  if (missing !== undefined) {
    const [npm, ...first] = npmCommand();
    const parameters = [
      'ci',
      '--include=dev',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      '--loglevel=error',
    ];
    await step(`Installing the dependencies (${missing})`, npm, [...first, ...parameters]);
    const left = nodeProblem(root);
    if (left !== undefined) {
      throw new Error(
        `The dependencies were installed, but ${left}. If npm is set to 'ignore-scripts', run ` +
          `'npm ci --ignore-scripts=false' once: the package 'node' fetches its program in an install script.`,
      );
    }
  }
  const stale = buildProblem(root);
  if (stale !== undefined) {
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    // A build with errors must not look like a build the next time.
    const parameters = [compiler, '-p', 'tsconfig.build.json', '--noEmitOnError'];
    await step(`Building the package (${stale})`, process.execPath, parameters);
  }
}

/** The npm that runs this script, on the Node that it runs on; else the one on the PATH. */
function npmCommand() {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  if (npm && node && /npm-cli\.c?js$/.test(npm)) return [node, npm];
  return ['npm'];
}

/** Runs a command quietly. One line tells what is done and how long it took; its output is shown only when it fails. */
async function step(title, command, parameters) {
  const began = Date.now();
  const seconds = () => `${((Date.now() - began) / 1000).toFixed(0)} s`;
  const live = process.stderr.isTTY === true;
  if (!live) say(`${title} ...`);
  const draw = () => process.stderr.write(`\r${title} ... ${seconds()} `);
  if (live) draw();
  const timer = live ? setInterval(draw, 1000) : undefined;
  const { code, output } = await run(command, parameters);
  clearInterval(timer);
  if (live) process.stderr.write('\r\u001B[K');
  if (code !== 0) throw new Error(`${title} failed after ${seconds()}:\n${output.trimEnd()}`);
  say(`${title}: done in ${seconds()}.`);
}

function run(command, parameters) {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code, signal) => {
      resolve({ code: code ?? 1, output: signal === null ? output : `${output}ended by ${signal}` });
    });
  });
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

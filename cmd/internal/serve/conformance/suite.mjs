// Runs the conformance suite's scenarios against the servers named on the command line, as in
// node suite.mjs RESULTS product=URL fixture=URL, and holds the outcome to the files in expected-failures.

import { spawn } from 'node:child_process'
import { mkdir, readFile, readdir } from 'node:fs/promises'
import { parse } from 'yaml'

// What each target has to pass. A run is one start of the suite; expected names its file in expected-failures.
const older = { suite: '0.1', args: ['--suite', 'all'] }
const at = (revision) => ({ suite: '0.2', args: ['--spec-version', revision] })
const required = (revision) => ({ suite: '0.2', args: ['--requirements', revision], requirements: revision })
const scenarios = (run, names) => names.map((name) => ({ ...run, args: [...run.args, '--scenario', name] }))
const each = (runs, expected) => runs.map((run) => ({ ...run, expected }))

// The suite runs these with the requirements of a revision, but does not count them.
const uncounted = ['json-schema-2020-12', 'http-header-validation', 'http-custom-header-server-validation']

const fixture = [
  ...each([older], 'fixture-older'),
  ...each([{ ...at('2025-06-18'), args: [...at('2025-06-18').args, '--suite', 'all'] }], 'fixture-2025-06-18'),
  ...each([required('2025-11-25'), ...scenarios(at('2025-11-25'), [uncounted[0]])], 'fixture-2025-11-25'),
  ...each([required('2026-07-28'), ...scenarios(at('2026-07-28'), uncounted)], 'fixture-2026-07-28'),
]
// The rest of the suite asks for tools, prompts and resources of its own.
const anyServer = ['server-initialize', 'ping', 'tools-list']
const targets = {
  fixture,
  product: [
    ...scenarios({ ...older, args: [] }, [...anyServer, 'dns-rebinding-protection']),
    ...scenarios(at('2025-06-18'), anyServer),
    ...scenarios(at('2025-11-25'), [...anyServer, 'dns-rebinding-protection']),
    ...each(
      scenarios(at('2026-07-28'), [
        'tools-list', 'server-stateless', 'server-sse-multiple-streams', 'dns-rebinding-protection', 'caching',
        'http-header-validation', 'input-required-result-unsupported-methods',
      ]),
      'product-2026-07-28',
    ),
  ],
}

const load = async (path) => parse(await readFile(path, 'utf8'))

// Starts the suite; resolves to its exit code and what it printed.
function start(run, url, results) {
  const cli = `node_modules/conformance-${run.suite}/dist/index.js`
  const expected = `expected-failures/${run.expected ?? 'none'}.yml`
  const child = spawn(process.execPath, [cli, 'server', '--url', url, '-o', results, '--expected-failures', expected, ...run.args])
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, printed })))
}

// The checks of each scenario that was run and counts.
async function outcomes(run, results) {
  const counted = run.requirements &&
    (await load(`node_modules/conformance-${run.suite}/requirements/${run.requirements}.yaml`)).server
  const found = new Map()
  for (const folder of await readdir(results)) {
    const scenario = folder.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '')
    if (!counted || counted.includes(scenario)) found.set(scenario, await load(`${results}/${folder}/checks.json`))
  }
  return found
}

// One run: the scenarios that passed, that failed as expected, and that found nothing to check.
async function judge(run, url, results, tally) {
  await mkdir(results, { recursive: true })
  const { code, printed } = await start(run, url, results)
  const found = await outcomes(run, results)
  if (found.size === 0) throw new Error(`no scenario was run: ${run.args.join(' ')}\n${printed}`)
  for (const [scenario, checks] of found) {
    const has = (...statuses) => checks.some(({ status }) => statuses.includes(status))
    if (has('FAILURE', 'WARNING')) tally.expected.add(scenario)
    else if (has('SUCCESS')) tally.passed++
    else tally.inapplicable.push(scenario)
    tally.ran.add(scenario)
  }
  if (code === 0) return true
  console.log(printed)
  return false
}

let [passed, failed] = [0, 0]
const [results, ...pairs] = process.argv.slice(2)
for (const pair of pairs) {
  const [target, url] = pair.split(/=(.*)/)
  const files = new Map()
  for (const [i, run] of targets[target].entries()) {
    const key = run.expected ?? `${target}, no failures expected`
    if (!files.has(key)) files.set(key, { file: run.expected, passed: 0, expected: new Set(), inapplicable: [], ran: new Set() })
    if (!(await judge(run, url, `${results}/${target}/${i}`, files.get(key)))) failed++
  }
  for (const [key, tally] of files) {
    passed += tally.passed
    console.log(`${target} (${key}): ${tally.passed} passed, ${tally.expected.size} with expected failures, ${tally.inapplicable.length} inapplicable`)
    const { server } = (await load(`expected-failures/${tally.file ?? 'none'}.yml`)) ?? {}
    for (const entry of server ?? []) {
      if (tally.ran.has(entry.split(':')[0])) continue
      failed++
      console.log(`expected-failures/${tally.file}.yml names ${entry}, which was not run`)
    }
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

// A made-up search, the same every time: what the server would answer, by address. For unit tests and for looking at the
// page without a server. It holds what is awkward on purpose: failures, nan, inf, missing values and hostile names.

export function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const START = 1_790_000_000;
export const HOSTILE = '<img src=x onerror=alert(1)>';

const SPACE = [
  { name: 'lr', kind: 'float', low: 1e-5, high: 1e-1, scale: 'log', step: null, choices: null, when: null },
  { name: 'batch', kind: 'int', low: 16, high: 256, scale: 'linear', step: 16, choices: null, when: null },
  { name: 'dropout', kind: 'float', low: 0, high: 0.6, scale: 'linear', step: null, choices: null, when: null },
  { name: 'optimizer', kind: 'choice', low: null, high: null, scale: 'linear', step: null, choices: ['adam', 'sgd', 'rmsprop'], when: null },
  { name: 'momentum', kind: 'float', low: 0.5, high: 0.99, scale: 'linear', step: null, choices: null, when: 'optimizer=sgd' },
  { name: HOSTILE, kind: 'choice', low: null, high: null, scale: 'linear', step: null, choices: ['none', '"quoted"', '</script>'], when: null },
];

const wire = (x) => (Number.isNaN(x) ? 'nan' : x === Infinity ? 'inf' : x === -Infinity ? '-inf' : x);

function makeTrial(number, random, running) {
  const optimizer = ['adam', 'sgd', 'rmsprop'][Math.floor(random() ** (1 + number / 200) * 3)];
  const focus = Math.min(0.85, number / 150);
  const lr = 10 ** (-5 + 4 * (focus * (0.55 + (random() - 0.5) * 0.25) + (1 - focus) * random()));
  const values = {
    lr, batch: 16 * (1 + Math.floor(random() * 16)), dropout: Math.round(random() * 60) / 100, optimizer,
    momentum: optimizer === 'sgd' ? 0.5 + random() * 0.49 : null, [HOSTILE]: ['none', '"quoted"', '</script>'][Math.floor(random() * 3)],
  };
  const quality = 0.25 + 0.12 * (Math.log10(lr) + 2.8) ** 2 + 0.3 * (values.dropout - 0.2) ** 2 + (optimizer === 'sgd' ? 0.06 : 0) + random() * 0.05;
  const luck = random();
  const outcome = running ? null : lr > 0.03 && luck < 0.5 ? 'failed' : luck < 0.3 && quality > 0.35 ? 'stopped' : luck > 0.985 ? 'out of memory' : 'succeeded';
  const steps = outcome === 'stopped' ? 3 + Math.floor(random() * 12) : outcome === 'failed' ? 2 : running ? 8 : 30;
  const curve = Array.from({ length: steps }, (_n, k) => quality + (1.6 - quality) * Math.exp(-(k + 1) / 6) + (random() - 0.5) * 0.03);
  if (outcome === 'failed') curve[steps - 1] = luck < 0.1 ? Infinity : NaN;
  return { number, values, outcome, curve, seconds: 4 + random() * 20 + values.batch / 40, random: luck };
}

export function makeTrials(n, seed = 7) {
  const random = chance(seed);
  const slots = [START, START, START, START + 2];
  return Array.from({ length: n }, (_none, number) => {
    const running = number >= n - 3;
    const trial = makeTrial(number, random, running);
    const slot = slots.indexOf(Math.min(...slots));
    trial.slot = slot;
    trial.began = slots[slot] + 0.4;
    slots[slot] = trial.ended = trial.began + trial.seconds;
    if (running) trial.ended = null;
    return trial;
  });
}

export function trialColumns(trials, revision = 100) {
  const all = (read) => trials.map(read);
  const value = (t) => (t.outcome === 'failed' || t.outcome === 'out of memory' || !t.outcome ? null : wire(t.curve[t.curve.length - 1]));
  return {
    revision, whole: true, n: trials.length,
    columns: {
      number: all((t) => t.number), state: all((t) => (t.outcome ? 'finished' : 'running')), outcome: all((t) => t.outcome),
      stage: all(() => null), attempt: all(() => 1), created: all((t) => t.began - 0.4), began: all((t) => t.began), ended: all((t) => t.ended),
      seconds: all((t) => (t.outcome ? t.seconds : null)), worker: all((t) => (t.slot < 2 ? 'ada' : 'grace')), slot: all((t) => t.slot % 2),
      steps: all((t) => t.curve.length),
      reason: all((t) => (t.outcome === 'failed' ? 'exit status 1: loss is nan' : t.outcome === 'stopped' ? 'below the median of 12 trials at step 6' : null)),
    },
    parameters: Object.fromEntries(SPACE.map(({ name }) => [name, all((t) => t.values[name])])),
    metrics: { loss: all((t) => wire(t.curve[t.curve.length - 1])), accuracy: all((t) => wire(1 - t.curve[t.curve.length - 1] / 2)) },
    objective: { loss: all(value), size: all((t) => (value(t) === null ? null : t.values.batch * 3 + Math.round(40 / value(t)))) },
  };
}

export function curveColumns(trials, revision = 100) {
  const offsets = [0];
  for (const trial of trials) offsets.push(offsets[offsets.length - 1] + trial.curve.length);
  return {
    revision, metric: 'loss', trials: trials.map((t) => t.number), offsets,
    steps: trials.flatMap((t) => t.curve.map((_v, k) => k + 1)), values: trials.flatMap((t) => t.curve.map(wire)),
    ended: trials.map((t) => t.outcome === 'stopped'),
  };
}

function entryOf(id, trials, more = {}) {
  const finished = trials.filter((t) => t.outcome);
  const outcomes = {};
  for (const { outcome } of finished) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const good = finished.filter((t) => t.outcome === 'succeeded');
  const last = (t) => t.curve[t.curve.length - 1];
  const best = good.reduce((a, b) => (a === null || last(b) < last(a) ? b : a), null);
  let low = Infinity;
  const spark = good.map((t) => (low = Math.min(low, last(t))));
  return {
    id, name: 'digits', state: 'running', why: null, algorithm: 'bayesian', goals: [{ metric: 'loss', direction: 'minimize' }], target: 200,
    finished: finished.length, queued: 0, running: trials.length - finished.length, waiting: 0, outcomes,
    best: best && { trial: best.number, value: last(best), display: last(best).toFixed(4), configuration: best.values, command: `python train.py --lr ${best.values.lr} --batch ${best.values.batch}` },
    created: START, changed: START + 900, seconds_left: 312, labels: { team: 'vision' }, project: 'demo', spark: spark.filter((_v, k) => k % Math.ceil(spark.length / 40) === 0), ...more,
  };
}

/** Everything, by address. */
export function makeData(n = 160, { mayControl = false, goals = 1 } = {}) {
  const trials = makeTrials(n);
  const two = [{ metric: 'loss', direction: 'minimize' }, { metric: 'size', direction: 'minimize' }];
  const entry = entryOf('3', trials, goals > 1 ? { goals: two } : {});
  const others = [
    entryOf('2', makeTrials(60, 3), { state: 'finished', target: 60, running: 0, seconds_left: null, algorithm: 'random', name: 'digits at random' }),
    entryOf('1', makeTrials(9, 5), { state: 'interrupted', target: 40, running: 0, seconds_left: null, name: HOSTILE, why: 'nobody works on it', algorithm: 'grid' }),
  ];
  const grid = Array.from({ length: 40 }, (_none, k) => k / 39);
  const lrs = grid.map((share) => 10 ** (-5 + 4 * share));
  const meanAt = (lr) => 0.25 + 0.12 * (Math.log10(lr) + 2.8) ** 2;
  const columns = trialColumns(trials);
  const seen = trials.filter((t) => t.outcome === 'succeeded').slice(0, 30);
  const data = {
    'api/session': { version: '0.9', store: '/home/me/.luthier/store.sqlite', may_control: mayControl, read_only: !mayControl, now: START + 900 },
    'api/experiments': { revision: 100, experiments: [entry, ...others] },
    'api/experiments/3': {
      ...entry, description: { command: 'python train.py --lr :lr: --batch :batch:', space: SPACE, seed: 7, parallel: 4 }, metrics: ['loss', 'accuracy'], stages: null,
      stopping: { rule: 'median', patience: 5 }, workers: [{ name: 'ada', machine: 'node-1', state: 'busy', trials: [157, 158], seen: START + 899 }, { name: 'grace', machine: 'node-2', state: 'busy', trials: [159], seen: START + 899 }], events_last: 100,
    },
    'api/experiments/3/trials': columns,
    'api/experiments/3/curves': curveColumns(trials),
    'api/experiments/3/importance': { rows: [
      { name: 'lr', alone: 0.61, total: 0.72, low: 0.6, high: 0.8, clear: true }, { name: 'optimizer', alone: 0.12, total: 0.2, low: 0.1, high: 0.29, clear: true },
      { name: 'dropout', alone: 0.05, total: 0.09, low: 0.01, high: 0.16, clear: true }, { name: 'batch', alone: 0.01, total: 0.02, low: 0, high: 0.06, clear: false },
      { name: HOSTILE, alone: 0.0, total: 0.01, low: 0, high: 0.04, clear: false } ], note: null },
    'api/experiments/3/slices': { parameter: 'lr', scale: 'log', x: lrs, mean: lrs.map(meanAt), low: lrs.map((x) => meanAt(x) - 0.08), high: lrs.map((x) => meanAt(x) + 0.08), trials: { number: [], x: [], y: [] } },
    'api/experiments/3/contour': { x: lrs, y: grid.map((s) => 16 + 240 * s), mean: grid.map((s) => lrs.map((x) => meanAt(x) + 0.05 * s)), deviation: grid.map((s) => lrs.map((x) => 0.02 + 0.05 * Math.abs(Math.log10(x) + 3) + 0.03 * s)) },
    'api/experiments/3/front': { goals: two, front: columns.columns.number.filter((_n, k) => isOnFront(columns.objective, k)) },
    'api/experiments/3/timeline': { attempts: {
      trial: trials.map((t) => t.number), attempt: trials.map(() => 1), worker: trials.map((t) => (t.slot < 2 ? 'ada' : 'grace')), slot: trials.map((t) => t.slot % 2),
      began: trials.map((t) => t.began), ended: trials.map((t) => t.ended), outcome: trials.map((t) => t.outcome) } },
    'api/experiments/3/events': { events: trials.slice(-20).reverse().map((t, k) => ({ revision: 100 - k, at: t.began, kind: 'claimed', trial: t.number, text: `ada took trial ${t.number}` })) },
    'api/experiments/3/model': { proposal: 120, of: n - 1, parameter: 'lr', x: lrs, mean: lrs.map(meanAt), deviation: lrs.map((x) => 0.03 + 0.04 * Math.abs(Math.log10(x) + 3)), acquisition: lrs.map((x) => Math.exp(-8 * (Math.log10(x) + 2.7) ** 2) * 0.03), next: 10 ** -2.7, seen: { x: seen.map((t) => t.values.lr), y: seen.map((t) => t.curve[t.curve.length - 1]), number: seen.map((t) => t.number) }, note: null },
  };
  for (const number of [0, 5, entry.best.trial, n - 1]) Object.assign(data, trialPage(trials[number]));
  return data;
}

function isOnFront({ loss, size }, k) {
  if (loss[k] === null) return false;
  return !loss.some((other, j) => other !== null && other <= loss[k] && size[j] <= size[k] && (other < loss[k] || size[j] < size[k]));
}

function trialPage(trial) {
  const address = `api/trials/3.${trial.number}`;
  const lines = trial.curve.map((value, k) => `\u001b[32mepoch ${k + 1}\u001b[0m loss=${value.toFixed(4)} ${k === 3 ? HOSTILE : ''}`);
  return {
    [address]: {
      number: trial.number, state: trial.outcome ? 'finished' : 'running', outcome: trial.outcome, reason: null,
      parameters: SPACE.map(({ name }) => ({ name, text: String(trial.values[name] ?? '–'), value: trial.values[name] })),
      why: { text: 'The model expected the most from here: a low mean and much left to learn.', predicted_mean: 0.31, predicted_deviation: 0.05, outcome: trial.curve[trial.curve.length - 1] },
      attempts: [{ attempt: 1, worker: 'ada', slot: 0, began: trial.began, ended: trial.ended, outcome: trial.outcome, reason: null }],
      command: `python train.py --lr ${trial.values.lr} --batch ${trial.values.batch}`, variables: { LUTHIER_TRIAL: `3.${trial.number}` },
      provenance: { commit: 'c0ffee12', dirty: false, python: '3.11.9' }, files: [{ name: 'stdout', bytes: 2048 }], curves: ['loss'],
    },
    [`${address}/points`]: { steps: trial.curve.map((_v, k) => k + 1), values: trial.curve.map(wire), times: trial.curve.map((_v, k) => trial.began + k) },
    [`${address}/log`]: `${lines.join('\n')}\n`,
  };
}

// The experiment that is open: its description, its trials and its filter, kept up to date by the socket.
//
// What arrives is taken at once but shown once a frame, and less often for very many trials, so that a busy search never
// makes the page busy. Charts read `trials.value` and depend on `version`: the columns change in place.

import { batch, computed, signal } from '@preact/signals';
import { choose, option } from '../state/route';
import { FilterError, filterText, parseFilter, withTest, type Clause, type Test } from '../state/clauses';
import { match } from '../state/matching';
import { get } from './fetching';
import { watch, type Message } from './live';
import { Trials } from './trials';
import type { Details, TrialColumns } from './wire';

const LONGEST_REST_MS = 700;
const TIMES_ITS_COST = 3;
const REFRESH_MS = 3_000;

export const openId = signal<string | null>(null);
export const details = signal<Details | null>(null);
export const trials = signal(new Trials());
export const version = signal(0);
export const loaded = signal(false);
export const failure = signal<Error | null>(null);
/** Counts up when points of curves arrived, so that what draws them asks again. */
export const pointsVersion = signal(0);

// A text by itself, so that another choice in the address leaves everything that hangs on the filter alone.
const said = computed(() => option('f') ?? '');
const parsed = computed<{ clauses: Clause[]; error: string | null }>(() => {
  try {
    return { clauses: parseFilter(said.value), error: null };
  } catch (error) {
    if (error instanceof FilterError) return { clauses: [], error: error.message };
    throw error;
  }
});
export const clauses = computed(() => parsed.value.clauses);
export const filterError = computed(() => parsed.value.error);

export const matched = computed(() => {
  version.value;
  return match(trials.value, clauses.value);
});

/** Sets what the filter says about a column; a brush anywhere comes through here. */
export function filterBy(column: string, test: Test | null): void {
  choose('f', filterText(withTest(clauses.peek(), column, test)));
}

export function filterByAll(tests: Array<[string, Test | null]>): void {
  let all: Clause[] = clauses.peek();
  for (const [column, test] of tests) all = withTest(all, column, test);
  choose('f', filterText(all));
}

/** What the filter says about a column, if it is a range. */
export function rangeOf(column: string): [number, number] | null {
  const test = clauses.value.find((clause) => clause.column === column && !clause.not)?.test;
  return test?.kind === 'range' ? [test.low, test.high] : null;
}

export const selected = computed(() => (option('t') ? Number(option('t')) : null));
export function select(number: number | null): void {
  choose('t', number === null ? null : String(number));
}

/** The metric that is looked at: as chosen, or the first goal's. */
export const metric = computed(() => option('m') ?? details.value?.goals[0]?.metric ?? details.value?.metrics[0] ?? '');

export const goal = computed(() => details.value?.goals.find((one) => one.metric === metric.value) ?? null);

let waiting = false;
let shownAt = 0;
let cost = 0; // of the last look, until its frame was drawn

function show(): void {
  waiting = false;
  shownAt = performance.now();
  version.value++;
  requestAnimationFrame(() => setTimeout(() => (cost = performance.now() - shownAt)));
}

/** Shows what came with the next frame. Where a look is dear, for many trials or on a busy machine, the next one waits a few
    times as long as the last one took, so that the page never keeps a machine busy that a search needs. */
function showSoon(): void {
  if (waiting) return;
  waiting = true;
  if (document.hidden) return; // Nobody looks; the title goes by the counts, which come by themselves.
  const rest = Math.min(LONGEST_REST_MS, TIMES_ITS_COST * cost) - (performance.now() - shownAt);
  if (rest > 0) setTimeout(show, rest);
  else requestAnimationFrame(show);
}

if (typeof document !== 'undefined') {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden || !waiting) return;
    show();
    pointsVersion.value++;
  });
}

let close: () => void = () => undefined;
let generation = 0;

async function load(id: string, mine: number): Promise<void> {
  try {
    const [about, columns] = await Promise.all([
      get<Details>(`api/experiments/${id}`),
      get<TrialColumns>(`api/experiments/${id}/trials`),
    ]);
    if (mine !== generation) return;
    const made = new Trials();
    made.apply({ ...columns, whole: true });
    batch(() => {
      details.value = about;
      trials.value = made;
      loaded.value = true;
      version.value++;
    });
    close = watch(`experiment ${id}`, () => ({ watch: id, since: made.revision }), (message) => heard(id, made, message));
  } catch (error) {
    if (mine === generation) failure.value = error as Error;
  }
}

function heard(id: string, made: Trials, message: Message): void {
  if (String(message.experiment ?? message.id ?? id) !== id) return;
  if (message.kind === 'trials') {
    if (made.apply(message as unknown as TrialColumns)) showSoon();
    if (!document.hidden) pointsVersion.value++;
  } else if (message.kind === 'curves') {
    if (!document.hidden) pointsVersion.value++;
  } else if (message.kind === 'experiment' && details.peek()) {
    const { kind: _kind, experiment: _experiment, revision: _revision, ...news } = message;
    const best = news.best as Details['best'] | undefined;
    const known = details.peek()!;
    // The news of a best trial come without its configuration and command. Those of the same trial still hold; another
    // one is shown once it is known whole, so that its value never stands beside a configuration of another.
    const isOther = !!best && best.trial !== known.best?.trial && !best.configuration;
    details.value = { ...known, ...(news as Partial<Details>), best: isOther ? known.best : best ? { ...known.best, ...best } : null };
    refreshSoon(id, isOther ? 0 : REFRESH_MS);
  }
}

let refreshing = 0;

/** Asks for what only the whole description has (workers, a new best's command), now and then while a search moves. */
function refreshSoon(id: string, rest: number): void {
  if (refreshing && rest > 0) return;
  clearTimeout(refreshing);
  refreshing = window.setTimeout(() => {
    refreshing = 0;
    void refresh(id);
  }, rest);
}

async function refresh(id: string): Promise<void> {
  const mine = generation;
  const about = await get<Details>(`api/experiments/${id}`).catch(() => null);
  if (about && mine === generation) details.value = about;
}

export function refreshDetails(): void {
  if (openId.peek()) void refresh(openId.peek()!);
}

/** Opens an experiment, or none. Opening what is open does nothing. */
export function openExperiment(id: string | null): void {
  if (openId.peek() === id) return;
  close();
  close = () => undefined;
  const mine = ++generation;
  batch(() => {
    openId.value = id;
    details.value = null;
    trials.value = new Trials();
    loaded.value = false;
    failure.value = null;
    version.value++;
  });
  if (id !== null) void load(id, mine);
}

export function retryOpening(): void {
  const id = openId.peek();
  openId.value = null;
  openExperiment(id);
}

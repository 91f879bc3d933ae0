// The experiment that is open: its description, its trials and its filter, kept up to date by the socket.
//
// What arrives is taken at once but shown once a frame, and less often for very many trials, so that a busy search never
// makes the page busy. Charts read `trials.value` and depend on `version`: the columns change in place.

import { batch, computed, signal } from '@preact/signals';
import { choose, option } from '../state/route';
import { FilterError, filterText, parseFilter, withTest, type Clause, type Test } from '../state/clauses';
import { match } from '../state/matching';
import { readBlock } from './block';
import { get, getBytes, inside } from './fetching';
import { watch, type Message } from './live';
import { Trials } from './trials';
import type { Details, TrialColumns } from './wire';

const SHORTEST_REST_MS = 300;
const LONGEST_REST_MS = 500;
const TIMES_ITS_COST = 9;
const REFRESH_MS = 3_000;
const HIDDEN_MS = 2_000;
const MOST_WAITING = 100; // changes that a hidden tab keeps for later

export const openId = signal<string | null>(null);
export const details = signal<Details | null>(null);
export const trials = signal(new Trials());
export const version = signal(0);
export const loaded = signal(false);
export const failure = signal<Error | null>(null);
/** Counts up with a look that follows news of points or of trials, so that what draws curves asks again. */
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
let rows: TrialColumns[] = []; // came and are not shown yet: columns change only with the version that draws them
let counts: Partial<Details> | null = null; // so are these
let hasPoints = false; // whether curves have to be asked for again
let telling = 0;
let shownAt = 0;
let cost = 0; // of the last look, until its frame was drawn

function show(): void {
  waiting = false;
  shownAt = performance.now();
  batch(() => {
    tell();
    if (takeRows()) version.value++;
    if (hasPoints) pointsVersion.value++;
    hasPoints = false;
  });
  requestAnimationFrame(() => setTimeout(() => (cost = performance.now() - shownAt)));
}

/** Shows what came with the next frame, a few times a second at most, for more nobody could read. Where a look is dear, for many
    trials or on a busy machine, the next one waits several times as long as the last one took, so that the page never keeps a
    machine busy that a search needs. */
function showSoon(): void {
  if (waiting) return;
  waiting = true;
  if (document.hidden) return; // Nobody looks, but at the title, which goes by the counts.
  const rest = Math.min(LONGEST_REST_MS, Math.max(SHORTEST_REST_MS, TIMES_ITS_COST * cost)) - (performance.now() - shownAt);
  if (rest > 0) setTimeout(show, rest);
  else requestAnimationFrame(show);
}

function takeRows(): boolean {
  const taken = rows.map((change) => trials.peek().apply(change));
  rows = [];
  return taken.includes(true);
}

/** Shows how the experiment stands, as far as that came. */
function tell(): void {
  clearTimeout(telling);
  telling = 0;
  if (counts && details.peek()) details.value = { ...details.peek()!, ...counts };
  counts = null;
}

function tellSoon(): void {
  showSoon();
  if (document.hidden) telling ||= window.setTimeout(tell, HIDDEN_MS);
}

if (typeof document !== 'undefined') {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden || !waiting) return;
    show();
    refreshDetails();
  });
}

/** Waits until what there is was drawn, where anybody looks. */
function drawn(): Promise<void> {
  return new Promise((done) => (document.hidden ? done() : requestAnimationFrame(() => setTimeout(done))));
}

let close: () => void = () => undefined;
let generation = 0;

/** The trials of an experiment; of a large one, `isFirst`, what a first screen shows. */
async function trialsOf(id: string, isFirst: boolean): Promise<Trials> {
  const made = new Trials();
  if (inside) made.apply({ ...(await get<TrialColumns>(`api/experiments/${id}/trials`)), whole: true });
  else made.take(readBlock(await getBytes(`api/experiments/${id}/trials?form=block${isFirst ? '&part=first' : ''}`)));
  return made;
}

async function load(id: string, mine: number): Promise<void> {
  try {
    const [about, some] = await Promise.all([get<Details>(`api/experiments/${id}`), trialsOf(id, true)]);
    if (mine !== generation) return;
    batch(() => {
      details.value = about;
      trials.value = some;
      loaded.value = true;
      version.value++;
    });
    let made = some;
    if (some.isPart) {
      await drawn();
      made = await trialsOf(id, false);
      if (mine !== generation) return;
      batch(() => {
        trials.value = made;
        version.value++;
      });
    }
    close = watch(`experiment ${id}`, () => ({ watch: id, since: made.revision }), (message) => heard(id, message));
  } catch (error) {
    if (mine === generation) failure.value = error as Error;
  }
}

function heard(id: string, message: Message): void {
  if (String(message.experiment ?? message.id ?? id) !== id) return;
  if (message.kind === 'trials') {
    rows.push(message as unknown as TrialColumns);
    hasPoints = true;
    if (rows.length > MOST_WAITING && takeRows()) version.value++;
    showSoon();
  } else if (message.kind === 'curves') {
    hasPoints = true;
    showSoon();
  } else if (message.kind === 'experiment' && details.peek()) {
    const { kind: _kind, experiment: _experiment, revision: _revision, ...news } = message;
    const best = news.best as Details['best'] | undefined;
    const known = { ...details.peek()!, ...counts };
    // The news of a best trial come without its configuration and command. Those of the same trial still hold; another
    // one is shown once it is known whole, so that its value never stands beside a configuration of another.
    const isOther = !!best && best.trial !== known.best?.trial && !best.configuration;
    counts = { ...counts, ...(news as Partial<Details>), best: isOther ? known.best : best ? { ...known.best, ...best } : null };
    tellSoon();
    // A hidden tab asks only for what its title says.
    if (isOther || !document.hidden) refreshSoon(id, isOther && !document.hidden ? 0 : REFRESH_MS);
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
  if (!about || mine !== generation) return;
  counts = null;
  details.value = about;
}

export function refreshDetails(): void {
  if (openId.peek()) void refresh(openId.peek()!);
}

/** Opens an experiment, or none. Opening what is open does nothing. */
export function openExperiment(id: string | null): void {
  if (openId.peek() === id) return;
  close();
  close = () => undefined;
  // What was to be asked of the experiment before would come to stand beside the trials of this one.
  clearTimeout(refreshing);
  refreshing = 0;
  counts = null;
  rows = [];
  hasPoints = false;
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

// The frame of the page: the bar at the top, the view the address asks for, messages and help.

import { useEffect } from 'preact/hooks';
import { load, session } from './data/listing';
import { lockedOut } from './data/fetching';
import { line } from './data/live';
import { openExperiment } from './data/opened';
import { Help, helpOpen } from './parts/help';
import { Toasts } from './parts/toasts';
import { Question } from './parts/question';
import { ComparePage } from './pages/compare';
import { ExperimentPage } from './pages/experiment';
import { ListPage } from './pages/list';
import { TrialPage } from './pages/trial';
import { LockedPage } from './pages/locked';
import { useKeys } from './state/keys';
import { goTo, parseRoute, route } from './state/route';
import { isDark, nextTheme, theme } from './state/theme';

export function App() {
  useEffect(() => void load(), []);
  const [first, second] = route.value.parts;
  const trial = /^(.+)\.(\d+)$/.exec(first ?? '');
  const experiment = !first || first === 'compare' ? null : trial ? trial[1] : first;
  useEffect(() => openExperiment(experiment), [experiment]);
  useKeys({
    '?': () => (helpOpen.value = !helpOpen.value),
    Escape: () => (helpOpen.value = false),
    '/': () => (document.querySelector('input[type=search]') as HTMLInputElement | null)?.focus(),
    t: nextTheme,
    l: () => goTo([]),
    // By the address as it is now: a quick hand is ahead of what is drawn.
    u: () => goTo((/^(.+)\.\d+$/.exec(parseRoute(location.hash).parts[0] ?? '') ?? []).slice(1, 2)),
  });
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById('main')!.focus())}>
        Skip to the content
      </a>
      <Bar experiment={experiment} trial={trial?.[2] ?? null} />
      <main id="main" tabIndex={-1}>
        {lockedOut.value ? (
          <LockedPage />
        ) : first === 'compare' ? (
          <ComparePage ids={(second ?? '').split(',').filter(Boolean)} />
        ) : trial ? (
          <TrialPage key={first} id={first} />
        ) : experiment ? (
          <ExperimentPage key={experiment} tab={second ?? 'overview'} />
        ) : (
          <ListPage />
        )}
      </main>
      <Toasts />
      <Help />
      <Question />
    </>
  );
}

const LINES = {
  live: ['live', 'Everything moves by itself.'],
  connecting: ['connecting', 'The page waits for the server.'],
  waiting: ['reconnecting', 'The server does not answer; the page keeps trying. Is `luthier dashboard` still running?'],
  static: ['snapshot', 'This is a file: it shows the experiment as it was.'],
} as const;

function Bar({ experiment, trial }: { experiment: string | null; trial: string | null }) {
  const [word, means] = LINES[line.value];
  return (
    <header class="bar">
      <a class="logo" href="#/" aria-label="All experiments">
        <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
          <path d="M4 20 L20 4 M15 4 h5 v5 M6.5 12.5 a4.2 4.2 0 1 0 5 5" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" />
        </svg>
        luthier
      </a>
      <nav aria-label="Where you are">
        {experiment && <a href={`#/${encodeURIComponent(experiment)}`}>experiment {experiment}</a>}
        {trial && <span aria-current="page">trial {trial}</span>}
      </nav>
      <span class="spread" />
      {session.value && <span class="store soft" title="The store this page reads">{session.value.store}</span>}
      <span class={`line ${line.value}`} title={means} role="status">
        <i aria-hidden="true" /> {word}
      </span>
      <button class="quiet" onClick={nextTheme} aria-label={isDark() ? 'Light colours' : 'Dark colours'} title="Light or dark (t)">
        {theme.value && (isDark() ? '☀' : '☾')}
      </button>
      <button class="quiet" onClick={() => (helpOpen.value = true)} aria-label="Help" title="Help (?)">
        ?
      </button>
    </header>
  );
}

// One experiment: the strip at the top that stays, the filter, and the tabs with their views.

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { details, failure, loaded, openId, retryOpening, trials } from '../data/opened';
import { useKeys } from '../state/keys';
import { choose, goTo, hrefTo, option } from '../state/route';
import { Contours } from '../charts/contour';
import { Curves } from '../charts/curves';
import { Facets } from '../charts/facets';
import { FrontChart } from '../charts/front';
import { History } from '../charts/history';
import { ImportanceChart } from '../charts/importance';
import { ModelChart } from '../charts/model';
import { Parallel } from '../charts/parallel';
import { warmUp } from '../charts/picture';
import { Slices } from '../charts/slices';
import { TimelineChart } from '../charts/timeline';
import { Pick, Skeleton, Trouble } from '../parts/controls';
import { TrialTable } from '../table/trials';
import { Description } from './description';
import { Events } from './events';
import { FilterBar } from './filterbar';
import { Header } from './header';

interface Tab {
  key: string;
  title: string;
  view: () => JSX.Element;
  shown?: () => boolean;
}

const TABS: Tab[] = [
  { key: 'overview', title: 'Overview', view: Overview },
  { key: 'trials', title: 'Trials', view: () => <TrialTable /> },
  { key: 'curves', title: 'Curves', view: () => <Curves height={540} /> },
  { key: 'parameters', title: 'Parameters', view: Parameters },
  { key: 'front', title: 'Front', view: () => <FrontChart />, shown: () => (details.value?.goals.length ?? 0) > 1 },
  { key: 'timeline', title: 'Timeline', view: () => <TimelineChart /> },
  { key: 'model', title: 'Model', view: () => <ModelChart /> },
  { key: 'facets', title: 'Facets', view: () => <Facets /> },
  { key: 'events', title: 'Events', view: () => <Events /> },
  { key: 'about', title: 'Description', view: () => <Description /> },
];

const KEPT = ['f', 't', 'm', 'sort', 'cols'];

export function ExperimentPage({ tab }: { tab: string }) {
  const tabs = TABS.filter((one) => one.shown?.() ?? true);
  const now = tabs.find((one) => one.key === tab) ?? tabs[0];
  const open = (key: string) => goTo(key === 'overview' ? [openId.value!] : [openId.value!, key], {}, KEPT);
  useKeys(Object.fromEntries(tabs.slice(0, 9).map((one, k) => [String(k + 1), () => open(one.key)])));
  if (failure.value) return <Trouble error={failure.value} retry={retryOpening} />;
  if (!loaded.value || !details.value) return <Loading />;
  return (
    <div class="experiment-page">
      <Header />
      <div class="tabs-row">
        <nav class="tabs" aria-label="Views">
          {tabs.map((one) => (
            <a key={one.key} href={hrefTo(one.key === 'overview' ? [openId.value!] : [openId.value!, one.key], {}, KEPT)}
              aria-current={one === now ? 'page' : undefined}>
              {one.title}
            </a>
          ))}
        </nav>
      </div>
      <FilterBar />
      <now.view key={now.key} />
    </div>
  );
}

function Overview() {
  const hasParameters = trials.value.varying().length > 0;
  return (
    <>
      <div class="grid two">
        <History />
        <Curves height={300} />
      </div>
      {hasParameters && <Parallel height={280} />}
      <TrialTable height={420} />
    </>
  );
}

function Parameters() {
  return (
    <>
      <Parallel height={340} />
      <ImportanceChart />
      <Slices />
      <Contours />
    </>
  );
}

export function MetricPick() {
  const names = details.value?.metrics ?? [];
  if (names.length < 2) return null;
  const first = details.value?.goals[0]?.metric ?? names[0];
  return <Pick label="metric" value={option('m') ?? first} options={names} set={(name) => choose('m', name === first ? null : name)} />;
}

function Loading() {
  useEffect(warmUp, []);
  return (
    <>
      <Skeleton height={120} label="Loading the experiment" />
      <div class="grid two">
        <Skeleton height={340} />
        <Skeleton height={340} />
      </div>
      <Skeleton height={320} />
    </>
  );
}

"""An explanation as one page to keep or to send: facts, pictures, every prediction, the search step by step.

It is whole in itself: nothing is loaded from elsewhere, and the only script turns the steps. Without scripts the last
step is shown. The words come from the caller, the pictures from `pictures.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from luthier.view.explaining import Along, Step
from luthier.view.pictures import framed, scatter, slice_picture, value_range
from luthier.view.predictions import Prediction
from luthier.view.rounding import rounded
from luthier.view.scales import label, written
from luthier.view.svg import STYLE

__all__ = ["Page", "page"]

_LOOKS = """\
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 20px 64px}h1{font-size:26px;line-height:1.2;margin:0 0 4px}
h2{font-size:18px;margin:40px 0 4px}p{margin:4px 0 12px;color:var(--soft);max-width:75ch}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 18px;margin:18px 0}dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}.pictures{display:grid;gap:12px;
grid-template-columns:repeat(auto-fit,minmax(min(360px,100%),1fr))}
figure{margin:0;border:1px solid var(--grid);border-radius:10px;padding:6px}figure svg{display:block;width:100%;height:auto}
.steps{max-width:680px}.turn{display:flex;gap:12px;align-items:center;margin:10px 0}
.turn input{flex:1;accent-color:var(--mean)}button{font:inherit;padding:4px 14px;border:1px solid var(--soft);
border-radius:7px;background:none;color:inherit;cursor:pointer}figcaption{padding:4px 12px 8px;color:var(--soft)}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:3px 20px 3px 0;text-align:right}
th{color:var(--soft);font-weight:500}tbody tr{border-top:1px solid var(--grid)}summary{cursor:pointer;color:var(--soft)}"""

_LEGEND = (
    "The line is the mean of what is believed, the shade its 95 % band; the dots are results, the stronger the nearer "
    "their other parameters are to these. Below stands how much each place promises to the search; crosses are trials "
    "that failed, rings those whose results were still to come. The orange mark is the configuration in question."
)

_SCRIPT = """\
const all=[...document.querySelectorAll('.turn~figure')],slider=document.querySelector('.turn input'),
button=document.querySelector('.turn button');let timer=0;
const show=()=>all.forEach((f,i)=>f.hidden=i!==+slider.value);
const halt=()=>{clearInterval(timer);timer=0;button.textContent='Play'};
slider.oninput=()=>{halt();show()};
button.onclick=()=>{if(timer)return halt();if(+slider.value===all.length-1)slider.value=0;show();button.textContent='Stop';
timer=setInterval(()=>{if(+slider.value>=all.length-1)return halt();slider.value=+slider.value+1;show()},700)};"""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows. `facts` are heads with their words; `chosen` names the marked place; `steps` may be none."""

    title: str
    objective: str
    facts: Sequence[tuple[str, str]]
    chosen: str
    views: Sequence[Along]
    predictions: Sequence[Prediction] = ()
    calibration: str | None = None
    steps: Sequence[Step] = ()


def page(shown: Page) -> str:
    """The page as HTML."""
    facts = "".join(f"<dt>{_words(head)}</dt><dd>{_words(words)}</dd>" for head, words in shown.facts)
    parts = [f"<h1>{_words(shown.title)}</h1>", f"<dl>{facts}</dl>", _beliefs(shown)]
    if shown.steps:
        parts.append(_steps(shown))
    if shown.predictions:
        parts.append(_predictions(shown))
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_words(shown.title)}</title><style>{STYLE}\n{_LOOKS}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _words(text: str) -> str:
    return escape(label(text, 2000))


def _beliefs(shown: Page) -> str:
    pictures = "".join(
        f"<figure>{framed(slice_picture(view, shown.objective, shown.chosen))}</figure>"
        for view in shown.views
    )
    if not pictures:
        return "<p>Too few results to believe anything yet.</p>"
    return f'<h2>Along each parameter</h2><p>{_LEGEND}</p><div class="pictures">{pictures}</div>'


def _steps(shown: Page) -> str:
    """All steps on one scale, of which one is to be seen."""
    name, last = _words(shown.steps[0].along.parameter), len(shown.steps) - 1
    values = value_range([step.along for step in shown.steps])
    figures = "".join(
        f"<figure{'' if i == last else ' hidden'}>"
        f"{framed(slice_picture(step.along, shown.objective, 'proposed', values))}"
        f"<figcaption>{_words(_caption(step))}</figcaption></figure>"
        for i, step in enumerate(shown.steps)
    )
    return (
        f"<h2>Step by step</h2><p>What every proposal saw along {name}, through the configuration it chose.</p>"
        f'<div class="steps"><div class="turn"><button type="button">Play</button>'
        f'<input type="range" min="0" max="{last}" value="{last}" aria-label="step"></div>{figures}</div>'
        f"<script>{_SCRIPT}</script>"
    )


def _caption(step: Step) -> str:
    """`Trial 12.7, by bayesian from 6 results: predicted 0.91 ± 0.02, observed 0.905`."""
    trial, proposal = step.trial, step.trial.proposal
    by = proposal.by if proposal else "nobody"
    said = f"Trial {trial.name}, by {by} from {step.results} result{'' if step.results == 1 else 's'}"
    after = []
    if proposal and proposal.mean is not None and proposal.deviation is not None:
        after.append(
            f"predicted {rounded(proposal.mean, proposal.deviation)} ± {written(float(f'{proposal.deviation:.2g}'))}"
        )
    if trial.result and trial.result.value is not None:
        after.append(f"observed {written(trial.result.value)}")
    elif trial.result:
        after.append(trial.result.outcome.value)
    return f"{said}: {', '.join(after)}" if after else said


def _predictions(shown: Page) -> str:
    rows = "".join(
        f"<tr><td>{row.trial}</td><td>{rounded(row.mean, row.deviation)} ± {row.deviation:.2g}</td>"
        f"<td>{written(row.observed)}</td><td>{row.z:+.1f}</td></tr>"
        for row in shown.predictions
    )
    heads = "".join(f"<th>{head}</th>" for head in ("trial", "predicted", "observed", "deviations off"))
    said = f"{shown.calibration[0].upper()}{shown.calibration[1:]}." if shown.calibration else ""
    return (
        f"<h2>Predicted against observed</h2><p>{_words(said)}</p>"
        f'<div class="steps"><figure>{framed(scatter(shown.predictions, shown.objective))}</figure></div>'
        f"<details><summary>Every prediction</summary><table><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )

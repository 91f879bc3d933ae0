"""Two hundred hostile names and lines, all in one record and one load of the page: on every view they are text and no more.

What a browser would run sets `window.ran`, opens a dialog, breaks the page's policy or says something on the console; all
four are watched. It knows no name of the page's own that could be spoofed: names from a record are names, whatever they say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from web_scene import Scene, serving

from luthier.description import Objective
from luthier.run.folders import Folders
from luthier.space import Categorical, Configuration, Float, Parameter, Space
from luthier.testing.store_scene import describe, ended
from luthier.trial import Outcome, Point, Proposal

RAN = "window.ran=1"
TAGS = ["script", "img src=x onerror={}", "svg onload={}", "iframe srcdoc=x onload={}", "body onload={}", "details open ontoggle={}", "video src=x onerror={}", "input autofocus onfocus={}", "marquee onstart={}", "math href=javascript:{}", "object data=javascript:{}", "embed src=javascript:{}", "link rel=stylesheet href=//evil.example/x.css", "meta http-equiv=refresh content=0;url=javascript:{}", "base href=//evil.example/", "form action=javascript:{}", "a href=javascript:{}", "template", "style onload={}", "noscript"]  # fmt: skip
FRAMES = ["<{}>", '"><{}>', "'><{}>", "</title><{}>", "</script><{}>", "--><{}>"]
ODD = [
    "javascript:window.ran=1", "JaVaScRiPt:window.ran=1", "java\tscript:window.ran=1", "data:text/html,<script>window.ran=1</script>", "vbscript:msgbox(1)",
    "{{constructor.constructor('window.ran=1')()}}", "${window.ran=1}", "`${window.ran=1}`", "#{7*7}", "<%= 7*7 %>", "');window.ran=1;//", '";window.ran=1;//', "\\u003cscript\\u003ewindow.ran=1\\u003c/script\\u003e",
    "&lt;script&gt;", "&#60;script&#62;", "%3Cscript%3E", "<scr\u0000ipt>window.ran=1</scr\u0000ipt>", "\u0000", "null", "undefined", "NaN", "[object Object]", "true", "0", "-0", "1e999", "",
    "__proto__", "constructor", "prototype", "hasOwnProperty", "toString", "valueOf", "watch", "length", "__defineGetter__", "dangerouslySetInnerHTML", "innerHTML", "ref", "key", "children", "onclick",
    "\u202eright to left", "\u2066isolated\u2069", "\u200b", "\u200f\u200e", "\ufeffmark", "\u2028line\u2029paragraph", "e\u0301\u0301\u0301\u0301\u0301", "Z\u0351\u036b\u0343\u036a\u0302", "😀" * 40, "👩‍👩‍👧‍👦", "ﷺ" * 30, "𝕏",
    "\x1b[31mred\x1b[0m", "\x1b]8;;javascript:window.ran=1\x07link\x1b]8;;\x07", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x9b31m", "\x07\x08\x0b\x0c", "50%\r100%", "\r\n", "\n\n", "\t\t",
    "=1+1", '=cmd|"/C calc"!A0', "+1+1", "-1+1", "@SUM(1)", '=HYPERLINK("http://evil.example","x")', "a,b;c\td", '"quoted"', "'quoted'",
    "../../etc/passwd", "..\\..\\windows", "/dev/null", "C:\\con", "%00", "%2e%2e%2f", "file:///etc/passwd", "http://evil.example/", "//evil.example/",
    "x" * 3000, "a b", " ", "  lead and trail  ", "'; DROP TABLE trials; --", "1' OR '1'='1", "$(touch /tmp/x)", "`touch /tmp/x`", "; rm -rf /", "|| true", "*", "?", "#", "&", "?f=x:1..2&t=3", "#/1/trials", "f:a..b", "state:failed", "-not:this",
]  # fmt: skip
TEXTS = list(dict.fromkeys([*(frame.format(tag.format(RAN)) for frame in FRAMES for tag in TAGS), *ODD]))
VIEWS = [
    "",
    "/trials",
    "/curves",
    "/parameters",
    "/front",
    "/timeline",
    "/facets",
    "/model",
    "/events",
    "/about",
]
NAMES = [text for text in TEXTS if text.strip()]


def record(scene: Scene) -> int:
    """One experiment with all of it, and others for their names alone."""
    with scene.store.together():
        for name in NAMES[:60]:
            scene.store.open_experiment(describe(name=name)._replace(labels={name: name}), fresh=True)
        parameters = [
            Parameter(name, Categorical.of([*NAMES[k::12][:20], "x"])) for k, name in enumerate(NAMES[60:66])
        ]
        parameters += [Parameter(name, Float(0.0, 1.0)) for name in NAMES[66:70]]
        goals = tuple(Objective(name) for name in NAMES[70:73])
        space = Space(parameters)
        what = describe(80, name=NAMES[0])._replace(space=space, objective=goals[0], also=goals[1:])
        e = scene.store.open_experiment(what, fresh=True)[0].id
        for k in range(60):
            trial(scene, e, space, goals, k)
    files = Folders(scene.folder).attempt(e, 1, 1)
    Path(files.outputs).mkdir(parents=True)
    for stream in (files.stdout, files.stderr):
        Path(stream).write_bytes("\n".join(TEXTS).encode())
    for k, name in enumerate(
        one for one in NAMES if "/" not in one and "\0" not in one and len(one.encode()) < 250
    ):
        Path(files.outputs, f"{name}").write_text(str(k))
    return e


def trial(scene: Scene, e: int, space: Space, goals: tuple[Objective, ...], k: int) -> None:
    nonce, [reserved] = scene.reserve(e, 1, NAMES[k])
    values = {
        name: one.domain.choices[k % len(one.domain.choices)].value
        if isinstance(one.domain, Categorical)
        else (k + 1) / 64
        for name in space.names
        for one in [space[name]]
    }
    proposal = Proposal(Configuration(values), NAMES[100 + k % 9], reserved.ordinal, note={"text": NAMES[k]})
    scene.store.propose(e, nonce, [(reserved.number, proposal)])
    [claim] = scene.store.claim(e, 1, NAMES[k], scene.nonce())
    metrics = [goal.metric for goal in goals] + NAMES[73 + k % 20 : 75 + k % 20]
    scene.store.report(
        claim.id,
        0,
        [Point(name, step, k / 9 + step, 1_700_000_000.0) for step in range(3) for name in metrics],
    )
    result = ended(k / 9, (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.STOPPED)[k % 3], NAMES[3 * k])
    scene.store.finish(claim.id, result._replace(values=(k / 9, 1.0 - k, 2.0)))


def test_two_hundred_of_them_are_only_text(scene: Scene, tab: Any) -> None:
    assert len(TEXTS) >= 200
    e = record(scene)
    with serving(scene.folder, real_page=True, may_control=True) as client:
        tab("open", address=client.dashboard.new_address())
        tab.until("document.querySelector('.line.live') !== null")
        tab("said")
        tab("look", script="window.mark = 'one load'")
        for address in [
            "#/",
            *(f"#/{e}{view}" for view in VIEWS),
            f"#/{e}.1",
            f"#/{e}.2",
            f"#/compare/{e},{e - 1}",
            f"#/{e}/trials?f=" + "x" * 500,
        ]:
            tab("go", hash=address)
            tab.until("document.querySelector('.experiment, .strip h1, .compare') !== null")
            tab.settle()
            hover(tab)
            assert tab("said") == [], address
            if address.count("/") == 1:
                assert tab("axe", colours=False) == [], address
        tab.go(f"#/{e}.1", ".log pre > div")
        tab.sees(".log pre", TEXTS[-1])
        shown = tab.text(".log pre")
        assert [tag for tag in TAGS if f"<{tag.format(RAN)}>" not in shown] == []
        assert tab("look", script="[window.ran ?? null, window.violated.length, window.mark]") == [
            None,
            0,
            "one load",
        ]
        assert (
            tab(
                "look",
                script="document.querySelectorAll('#page :is(img, script, iframe, object, embed, form[action], base, meta, link, video)').length",
            )
            == 0
        )
        assert tab(
            "look",
            script="[...document.querySelectorAll('a')].every((one) => /^(https?:|blob:)/.test(one.href) && one.host === location.host)",
        )
        saved(tab, e)


def hover(tab: Any) -> None:
    """Tips and menus have names in them, too."""
    for box in tab(
        "look",
        script="[...document.querySelectorAll('.figure canvas')].slice(0, 3).map((one) => (one.scrollIntoView(), one.getBoundingClientRect().toJSON()))",
    ):
        for share in (0.3, 0.6):
            event = {
                "clientX": box["x"] + box["width"] * share,
                "clientY": box["y"] + box["height"] * share,
                "bubbles": True,
                "pointerType": "mouse",
            }
            tab(
                "look",
                script=f"document.querySelector('.figure canvas').dispatchEvent(new PointerEvent('pointermove', {json.dumps(event)}))",
            )


def saved(tab: Any, e: int) -> None:
    """What is taken along is what was shown: a picture without markup of its own, a table that can be read back."""
    tab.go(f"#/{e}/parameters", ".figure canvas")
    tab("click", selector=".figure .menu summary")
    picture = tab("download", selector=".figure button:text-is('Save as SVG')")["text"]
    assert "<script" not in picture and "onload=" not in picture.split(">", 1)[0]
    assert (
        tab(
            "look",
            script=f"new DOMParser().parseFromString({json.dumps(picture)}, 'image/svg+xml').querySelectorAll('parsererror, script, [onload], [onerror], image, foreignObject').length",
        )
        == 0
    )

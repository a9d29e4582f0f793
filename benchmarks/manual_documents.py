"""Manuals as office programs, browsers and typesetters make them: HTML drawn by chance, printed by what is installed.

The same seed gives the same HTML. Each producer is a command of its own that is looked for on this machine.
"""

from __future__ import annotations

import html
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.manual_pages import DefectTruth, GeneratedManual, Language, Sayings, draw_names

_TIMEOUT_S = 120


@dataclass
class _Writer:
    """The HTML of a manual so far, and what is true of its defects."""

    chance: random.Random
    language: Language
    names: list[str]
    sayings: Sayings
    body: list[str] = field(default_factory=list)
    defects: list[DefectTruth] = field(default_factory=list)

    def say(self, korean: str, english: str) -> str:
        """Return the words in the manual's language."""
        return korean if self.language == "ko" else english

    def make(self, kind: str, *, actions: int = 1) -> tuple[str, str, list[str]]:
        """Make up a defect and return its name, cause and actions."""
        name, cause = self.names.pop(), self.sayings.cause()
        acts = [self.sayings.action() for _ in range(actions)]
        self.defects.append(DefectTruth(name, (cause,), tuple(acts), 0, kind, is_readable=True))
        return name, cause, acts

    @property
    def words(self) -> tuple[str, str, str]:
        """Return the heads of a table."""
        return self.say("불량", "Defect"), self.say("원인", "Cause"), self.say("조치", "Action")

    def add(self, *parts: str) -> None:
        """Add pieces of HTML."""
        self.body += parts


def _row(cells: list[str], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _border(style: str) -> str:
    """Return what says the same as the style to programs that read none."""
    return ' border="1"' if style.startswith("ruled") else ""


def _table(writer: _Writer, style: str, count: int, kind: str) -> None:
    rows = []
    for _ in range(count):
        name, cause, acts = writer.make(kind, actions=writer.chance.choice((1, 2)))
        rows.append(_row([name, cause, " ".join(acts)]))
    writer.add(
        f'<h1>{writer.say("불량별 조치표", "Table of defects")}</h1><table class="{style}"{_border(style)}><thead>'
    )
    writer.add(_row(list(writer.words), "th"), "</thead><tbody>", *rows, "</tbody></table>")


def ruled(writer: _Writer) -> None:
    """Write a table with all rules, its cells aligned by chance."""
    align = writer.chance.choice(("top", "middle", "bottom"))
    _table(writer, f"ruled {align}", 5, f"ruled {align}")


def plain(writer: _Writer) -> None:
    """Write a table without any rule."""
    align = writer.chance.choice(("top", "middle"))
    _table(writer, f"plain {align}", 5, f"plain {align}")


def striped(writer: _Writer) -> None:
    """Write a table with level rules or stripes only."""
    _table(writer, writer.chance.choice(("level", "striped")), 5, "striped")


def long_table(writer: _Writer) -> None:
    """Write a table that goes on over the page."""
    _table(writer, writer.chance.choice(("ruled top", "ruled middle", "level")), 26, "long table")


def merged(writer: _Writer) -> None:
    """Write a table with names over several rows, upright group labels and a row across all columns."""
    writer.add(f'<h1>{writer.say("불량별 조치표", "Table of defects")}</h1><table class="ruled middle" border="1">')
    writer.add(_row([writer.say("구분", "Group"), *writer.words], "th"))
    writer.add(f'<tr><td colspan="4">{writer.say("공정 검사에서 나온 불량", "Found in the line")}</td></tr>')
    for label in (writer.say("외관", "Looks"), writer.say("치수", "Size")):
        names = [writer.names.pop() for _ in range(2)]
        pairs = [[(writer.sayings.cause(), writer.sayings.action()) for _ in range(2)] for _ in names]
        first = f'<td rowspan="4"><div class="upright">{label}</div></td>'
        for name, said in zip(names, pairs, strict=True):
            causes, acts = zip(*said, strict=True)
            writer.defects.append(DefectTruth(name, causes, acts, 0, "merged", is_readable=True))
            for place, (cause, act) in enumerate(said):
                head = f'<td rowspan="2">{html.escape(name)}</td>' if place == 0 else ""
                writer.add(f"<tr>{first}{head}<td>{html.escape(cause)}</td><td>{html.escape(act)}</td></tr>")
                first = ""
    writer.add("</table>")


def cards(writer: _Writer) -> None:
    """Write small tables of words and what they say, two beside each other."""
    writer.add(f'<h1>{writer.say("불량 조치 카드", "Cards")}</h1><div class="beside">')
    for _ in range(4):
        name, cause, acts = writer.make("cards")
        rows = zip((writer.say("불량명", "Defect"), *writer.words[1:]), (name, cause, acts[0]), strict=True)
        cells = "".join(f"<tr><th>{word}</th><td>{html.escape(text)}</td></tr>" for word, text in rows)
        writer.add(f'<table class="ruled card" border="1">{cells}</table>')
    writer.add("</div>")


def _section(writer: _Writer, kind: str, level: int = 2) -> str:
    name, cause, acts = writer.make(kind, actions=3)
    tag = writer.chance.choice(("ol", "ul"))
    items = "".join(f"<li>{html.escape(act)}</li>" for act in acts)
    return (
        f"<h{level}>{html.escape(name)}</h{level}><h{level + 1}>{writer.words[1]}</h{level + 1}>"
        f"<p>{html.escape(cause)}</p><h{level + 1}>{writer.words[2]}</h{level + 1}><{tag}>{items}</{tag}>"
    )


def sections(writer: _Writer) -> None:
    """Write sections with lists."""
    writer.add(f"<h1>{writer.say('불량 조치', 'Defects')}</h1>", *(_section(writer, "sections") for _ in range(3)))


def columns(writer: _Writer) -> None:
    """Write sections in two columns of a newspaper."""
    parts = "".join(_section(writer, "columns") for _ in range(5))
    writer.add(f"<h1>{writer.say('불량 조치', 'Defects')}</h1>", f'<div class="columns">{parts}</div>')


def labels(writer: _Writer) -> None:
    """Write names with lines that begin with a word: Cause: …, Action: …"""
    writer.add(f"<h1>{writer.say('불량 조치', 'Defects')}</h1>")
    for _ in range(4):
        name, cause, acts = writer.make("labels", actions=2)
        said = [f"{writer.words[1]}: {cause}", *(f"{writer.words[2]}: {act}" for act in acts)]
        writer.add(f"<p><b>{html.escape(name)}</b></p>", *(f"<p>{html.escape(text)}</p>" for text in said))


def definitions(writer: _Writer) -> None:
    """Write a list of terms, each with what is said of it set in."""
    writer.add(f"<h1>{writer.say('불량 조치', 'Defects')}</h1><dl>")
    for _ in range(4):
        name, cause, acts = writer.make("definitions")
        said = f"{writer.words[1]}: {html.escape(cause)}<br>{writer.words[2]}: {html.escape(acts[0])}"
        writer.add(f"<dt>{html.escape(name)}</dt><dd>{said}</dd>")
    writer.add("</dl>")


def nested(writer: _Writer) -> None:
    """Write one list with a list in each of its items."""
    writer.add(f"<h1>{writer.say('불량 조치', 'Defects')}</h1><ul>")
    for _ in range(4):
        name, cause, acts = writer.make("nested")
        said = (f"{writer.words[1]}: {cause}", f"{writer.words[2]}: {acts[0]}")
        writer.add(f"<li>{html.escape(name)}<ul>", *(f"<li>{html.escape(text)}</li>" for text in said), "</ul></li>")
    writer.add("</ul>")


def box(writer: _Writer) -> None:
    """Write a section with a framed box about another defect beside it."""
    writer.add(f"<h1>{writer.say('불량 조치', 'Defects')}</h1>")
    name, cause, acts = writer.make("box beside")
    said = f"{writer.words[1]}: {html.escape(cause)}<br>{writer.words[2]}: {html.escape(acts[0])}"
    writer.add(f'<div class="box"><b>{html.escape(name)}</b><br>{said}</div>', _section(writer, "box"))
    writer.add('<div style="clear:both"></div>')


KINDS: tuple[Callable[[_Writer], None], ...] = (
    ruled, plain, striped, long_table, merged, cards, sections, columns, labels, definitions, nested, box,
)  # fmt: skip

_STYLE = """
@page { size: A4; margin: 20mm 18mm; @top-center { content: "QS-210"; font-size: 8pt } }
body { font-family: FONT; font-size: SIZEpt; line-height: LEADING; }
h1 { font-size: 1.5em } h2 { font-size: 1.25em } h3 { font-size: 1.05em }
table { border-collapse: collapse; width: 100%; margin: 8px 0 } td, th { padding: 3px 6px; text-align: left }
.ruled td, .ruled th { border: 1px solid #333 } .level tr { border-bottom: 1px solid #333 }
.striped tr:nth-child(even) { background: #e8eef4 }
.top td { vertical-align: top } .middle td { vertical-align: middle } .bottom td { vertical-align: bottom }
td:first-child, th:first-child { width: 18% }
.card { width: 47%; display: inline-table; margin: 4px 2% 4px 0 } .card th { width: 25% }
.upright { writing-mode: vertical-rl } .columns { column-count: 2; column-gap: 9mm }
.box { float: right; width: 36%; border: 1px solid #333; padding: 6px; margin: 0 0 6px 12px }
.mark { position: fixed; top: 45%; left: 8%; font-size: 60pt; color: rgba(200,60,60,0.18); transform: rotate(-40deg) }
"""


def write_document(seed: int, *, language: Language, sheets: int = 4) -> tuple[str, list[DefectTruth]]:
    """Return the HTML of a manual of about so many pages, and the truth of its defects."""
    chance = random.Random(seed)
    writer = _Writer(chance, language, draw_names(chance, language)["long"], Sayings(chance, language))
    for number, kind in enumerate(chance.sample(KINDS, sheets)):
        if number:
            writer.add('<div style="page-break-before: always"></div>')
        kind(writer)
    font = chance.choice(("NanumGothic", "NanumBarunGothic", "NanumMyeongjo")) if language == "ko" else "sans-serif"
    style = _STYLE.replace("FONT", font).replace("SIZE", chance.choice(("9", "10", "11")))
    style = style.replace("LEADING", chance.choice(("1.2", "1.4", "1.7")))
    mark = f'<div class="mark">{writer.say("대외비 사본", "CONTROLLED")}</div>' if chance.random() < 0.3 else ""
    page = f'<html lang="{language}"><head><meta charset="utf-8"><style>{style}</style></head><body>{mark}'
    return page + "\n".join(writer.body) + "</body></html>", writer.defects


def _command(name: str, source: Path, folder: Path) -> list[str] | None:
    target = str(folder / "page.pdf")
    found = {"libreoffice": "soffice"}.get(name, name)
    command = shutil.which(found)
    if name == "weasyprint":
        command = command or shutil.which(str(Path(sys.executable).with_name("weasyprint")))
    if command is None:
        return None
    match name:
        case "chromium":
            quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            return [command, *quiet, f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={target}", str(source)]
        case "libreoffice":
            profile = f"-env:UserInstallation=file://{folder / 'profile'}"
            kind = ["--convert-to", "pdf:writer_web_pdf_Export", "--outdir", str(folder)]
            return [command, profile, "--headless", *kind, str(source)]
        case "wkhtmltopdf":
            return [command, "--quiet", "--footer-center", "[page] / [topage]", str(source), target]
        case "pandoc":
            fonts = ["-V", "mainfont=NanumMyeongjo", "-V", "mainfontoptions=Scale=0.9"]
            return [command, str(source), "-o", target, "--pdf-engine=xelatex", *fonts]
        case _:
            return [command, str(source), target]


PRODUCERS = ("chromium", "weasyprint", "libreoffice", "wkhtmltopdf", "pandoc")


def print_document(page: str, producer: str) -> bytes | None:
    """Return the PDF that a producer makes of the HTML; None where it is not installed, or fails."""
    with tempfile.TemporaryDirectory(prefix="geomsa-print-") as name:
        folder = Path(name)
        source = folder / "page.html"
        source.write_text(page, encoding="utf-8")
        command = _command(producer, source, folder)
        if command is None:
            return None
        try:
            subprocess.run(command, cwd=folder, capture_output=True, timeout=_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return None
        target = folder / "page.pdf"
        return target.read_bytes() if target.exists() else None


def make_document(seed: int, producer: str) -> GeneratedManual | None:
    """Return a manual as a producer prints it, Korean for even seeds; None where the producer is not there."""
    language: Language = "ko" if seed % 2 == 0 else "en"
    page, defects = write_document(seed, language=language)
    content = print_document(page, producer)
    return None if content is None else GeneratedManual(content, language, tuple(defects), ())

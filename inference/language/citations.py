"""From a model's response to steps that can be shown: sections, citations, and whether the manual bears a step out."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from inference.language.guidance import MAX_STEPS_PER_SECTION, SECTION_NAMES, Section, SectionName, Step
from inference.language.passages import Passage
from inference.language.quoting.headings import tells_severity
from inference.language.untrusted import echoes, gives_orders, has_active_markup, holds_secret, plain

MAX_STEP_CHARS = 400
# How much of a step's words its passages must hold. Below that it may be right, but the manual does not say it.
_SHARE_BORNE_OUT = 0.35
_SHARE_OF_BARRED = 0.6

_NUMBERS = r"(\d{1,2}(?:\s*[,;、·]\s*\d{1,2})*)"
# Brackets, or round ones that say what they hold: "(3)" alone is a count as often as a citation.
_CITATION = re.compile(
    rf"[\[【]\s*(?:passages?|출처|단락|인용)?\s*{_NUMBERS}\s*[\]】]|\(\s*(?:passages?|출처|단락|인용)\s*{_NUMBERS}\s*\)",
    re.I,
)
_BULLET = re.compile(r"^\s*(?:[-*•·▪◦–—]|\(?\d{1,2}[.)]|[①-⑳])\s*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.I | re.S)
_HEADINGS: tuple[tuple[SectionName, re.Pattern[str]], ...] = (
    (
        "cause",
        re.compile(
            r"^(likely |possible |probable |root )?causes?( of .*)?$|^(추정 |발생 )?원인(\s*(분석|추정))?$", re.I
        ),
    ),
    (
        "action",
        re.compile(
            r"^(immediate |corrective |containment )?(actions?|steps|response|measures?)( to take)?$"
            r"|^(즉시 |긴급 |즉각 )?(조치|대응|대처)(\s*(사항|방법|절차))?$",
            re.I,
        ),
    ),
    (
        "check",
        re.compile(
            r"^(checks?|verification|verify|inspection)( points?| after.*)?$|^(확인|점검|검증)(\s*(사항|방법|항목))?$",
            re.I,
        ),
    ),
    (
        "prevention",
        re.compile(
            r"^(preventi(on|ve)( actions?| measures?)?|prevent)( of .*)?$|^(재발\s*방지|예방)(\s*(대책|조치|사항))?$",
            re.I,
        ),
    ),
)


@dataclass
class ResponseReader:
    """Reads a response while it arrives and hands out each step as soon as its line is complete.

    `barred` are passages that were not handed to the model: what repeats them is dropped. `secrets` and `instructions`
    must not come back. `told_sections` are the sections that the passages' headings tell, where they do: a step of
    such passages alone stands in their section, wherever the model put it. Not for several threads.
    """

    passages: Sequence[Passage]
    facts: str = ""
    barred: Sequence[Passage] = ()
    secrets: Sequence[str] = ()
    instructions: str = ""
    told_sections: Sequence[SectionName | None] = ()
    left_out: int = 0
    _steps: dict[SectionName, list[Step]] = field(default_factory=dict)
    _text: str = ""
    _read: int = 0
    _section: SectionName | None = None

    @property
    def size_chars(self) -> int:
        """Return how much was read so far."""
        return len(self._text)

    def feed(self, text: str) -> Iterator[tuple[SectionName, Step]]:
        """Yield the steps that are complete with the next part of the response."""
        self._text += text
        while (end := self._text.find("\n", self._read)) >= 0:
            line, start = self._text[self._read : end], self._read
            if self._is_in_thought(start):
                self._read = end + 1
                continue
            self._read = end + 1
            yield from self._take_line(line)

    def finish(self) -> Iterator[tuple[SectionName, Step]]:
        """Yield what was left when the response ended: the last line's step, or those of a response in JSON."""
        if self._read < len(self._text) and not self._is_in_thought(self._read):
            line = self._text[self._read :]
            self._read = len(self._text)
            yield from self._take_line(line)
        if not any(self._steps.values()):
            yield from self._take_json()

    def sections(self) -> tuple[Section, ...]:
        """Return the steps so far, in the order of the sections."""
        return tuple(Section(name, tuple(self._steps[name])) for name in SECTION_NAMES if self._steps.get(name))

    def _is_in_thought(self, position: int) -> bool:
        return any(found.start() <= position < found.end() for found in _THOUGHT.finditer(self._text))

    def _take_line(self, line: str) -> Iterator[tuple[SectionName, Step]]:
        section, rest = find_heading(line)
        if section is not None:
            self._section = section
            line = rest
        bulleted = bool(_BULLET.match(line))
        text = _BULLET.sub("", line, count=1).strip()
        if len(text) < 4 or text.startswith(("{", "}", "```", "|", "#", '"')):
            return
        if self._section is None and not (bulleted and _CITATION.search(text)):
            return  # words before the first section: a greeting, not a step
        yield from self._take_step(self._section or "action", text)

    def _take_json(self) -> Iterator[tuple[SectionName, Step]]:
        first, last = self._text.find("{"), self._text.rfind("}")
        if not 0 <= first < last:
            return
        try:
            found = json.loads(self._text[first : last + 1])
        except (ValueError, RecursionError):
            return
        if not isinstance(found, dict):
            return
        for key, value in found.items():
            section, _rest = find_heading(f"# {key}".replace("_", " "))
            for item in value if isinstance(value, list) else [value]:
                if section is None:
                    continue
                if isinstance(item, str):
                    yield from self._take_step(section, item)
                elif isinstance(item, dict):
                    numbers = item.get("citations", item.get("passages", []))
                    cited = ",".join(str(n) for n in numbers) if isinstance(numbers, list) else str(numbers)
                    yield from self._take_step(section, f"{item.get('text', item.get('step', ''))} [{cited}]")

    def _take_step(self, section: SectionName, raw: str) -> Iterator[tuple[SectionName, Step]]:
        citations, text = split_citations(raw, n_passages=len(self.passages))
        section = self._section_told(citations) or section
        if not text or (section == "cause" and tells_severity(text)):
            return
        kept = self._steps.setdefault(section, [])
        if self._is_unfit(raw, text):
            self.left_out += 1
            return
        if len(kept) >= MAX_STEPS_PER_SECTION or any(_likeness(step.text, text) > 0.9 for step in kept):
            return
        cited = [self.passages[number - 1] for number in citations]
        borne_out = bool(cited) and is_borne_out(text, cited, facts=self.facts)
        step = Step(text, citations if borne_out else (), borne_out)
        kept.append(step)
        yield section, step

    def _section_told(self, citations: Sequence[int]) -> SectionName | None:
        told = {self.told_sections[number - 1] for number in citations if number <= len(self.told_sections)}
        return told.pop() if len(told) == 1 else None

    def _is_unfit(self, raw: str, text: str) -> bool:
        if len(text) > MAX_STEP_CHARS or has_active_markup(text) or has_active_markup(_CITATION.sub("", raw)):
            return True
        if holds_secret(raw, self.secrets) or gives_orders(text) or echoes(text, self.instructions):
            return True
        barred = " ".join(passage.text for passage in self.barred)
        known = " ".join(passage.text for passage in self.passages)
        return bool(barred) and share_of_words(text, barred) >= _SHARE_OF_BARRED > share_of_words(text, known)


def find_heading(line: str) -> tuple[SectionName | None, str]:
    """Return the section whose heading `line` is or begins with ("Cause: …"), and what follows the heading."""
    bare = re.sub(r"^[\s#>*_\-•]*(?:\(?\d{1,2}[.)]\s*)?[\s*_\[【]*", "", line)
    head, colon, rest = re.match(r"([^:：]{0,40})([:：]?)(.*)", bare, re.S).groups()  # type: ignore[union-attr]
    name = re.sub(r"[\s*_#\]】]+$", "", head).strip()
    marked = line.lstrip().startswith(("#", "**", "[", "【")) or bool(colon)
    for section, pattern in _HEADINGS:
        if pattern.match(name) and (marked or not rest.strip()):
            return section, rest.strip(" *_")
    return None, line


def split_citations(text: str, *, n_passages: int) -> tuple[tuple[int, ...], str]:
    """Return the valid passage numbers that `text` cites, in order and once each, and the text without its marks."""
    numbers = [int(number) for found in _CITATION.finditer(text) for number in re.findall(r"\d+", found.group(0))]
    cleaned = re.sub(r"\s+([.,;:。])", r"\1", plain(_CITATION.sub("", text)))
    return tuple(dict.fromkeys(number for number in numbers if 1 <= number <= n_passages)), cleaned.strip(" -–—")


def is_borne_out(text: str, cited: Sequence[Passage], *, facts: str = "") -> bool:
    """Return whether the cited passages say what `text` says, as far as words and figures can tell.

    Every figure of the step must stand in them or in `facts`. Where both are written in one script, a good third of
    the step's words must as well; across languages the words cannot be compared, and the figures alone decide.
    """
    source = " ".join([*(part for passage in cited for part in passage.heading), *(passage.text for passage in cited)])
    known = set(_figures(source)) | set(_figures(facts))
    if any(figure not in known for figure in _figures(text)):
        return False
    if _is_korean(text) != _is_korean(source):
        return True
    return share_of_words(text, source) >= _SHARE_BORNE_OUT


def share_of_words(text: str, source: str) -> float:
    """Return how much of `text` is in `source`, 0 to 1: word stems for Latin script, syllable pairs for Korean."""
    wanted = _marks(text)
    return len(wanted & _marks(source)) / len(wanted) if wanted else 0.0


def _marks(text: str) -> set[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    marks = {word[:5] for word in re.findall(r"[a-z]{4,}", folded)}
    for word in re.findall(r"[가-힣]{2,}", folded):
        marks |= {word[i : i + 2] for i in range(len(word) - 1)}
    return marks


def _likeness(one: str, other: str) -> float:
    ours, theirs = _marks(one), _marks(other)
    return len(ours & theirs) / len(ours | theirs) if ours | theirs else float(one == other)


def _figures(text: str) -> list[str]:
    return [found.replace(",", "").rstrip(".") for found in _NUMBER.findall(unicodedata.normalize("NFKC", text))]


def _is_korean(text: str) -> bool:
    hangul = len(re.findall(r"[가-힣]", text))
    return hangul * 3 > len(re.findall(r"[A-Za-z]", text))

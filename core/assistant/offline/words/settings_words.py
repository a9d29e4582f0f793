"""The settings of a training in Korean and English words: what was said, as paths of the configuration with values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_N = r"(\d+(?:\.\d+)?|\.\d+)"
_IS = r"\s*(?:size|크기|사이즈|수|값)?\s*(?:은|는|을|를|이|가|to|of|at|is|=|:|로|->)?\s*"
# Words between a setting and its value, none of which is another setting: “에폭 좀 늘려서 50”.
# A number below nought is refused as any other that cannot be: it must not pass for its amount.
_WHOLE_NUMBER = r"((?<![a-z가-힣])-?\d+|\d+)"
_FILLED = r"(?:(?!배치|batch|시드|seed|학습률|\blr\b|입력|input|크기|size)[^\d.,;]){0,14}?"
TASKS: tuple[tuple[str, str], ...] = (
    (
        "detection",
        r"detect\w*|\bdetct\w*|\byolo\w*|bounding box|\bboxes\b|\blocali[sz]\w*|\blocat(?:e|es|ing|ion)\b"
        r"|검출|탐지|디텍|박스|객체\s*인식"
        r"|위치\s*(?:를|을|까지|도)?\s*(?:찾|잡|표시|알려|짚)",
    ),
    (
        "segmentation",
        r"segment\w*|\bsegm?\b|세그|(?<!데이터 )(?<!데이터)분할|마스크\s*(?:모델|학습)|픽셀\s*(?:단위|별)"
        r"|영역\s*(?:을|를|까지)?\s*(?:구분|따|표시|나누|잘라)"
        r"|\bpixel[- ]?(?:wise|level|by[- ]pixel|accurate)|\bmasks?\b|\boutlin\w+",
    ),
    (
        "classification",
        r"\bcla?ss?i?ff?i?\w*er\b|classif\w*|\bclasif\w*|\bclassfi\w*|분류|판별|구분기|이미지\s*레이블"
        r"|가려내|구분\s*(?:하는|해\s*주는)"
        r"|클래시파이어|\btells? \S+ (?:\S+ )?apart\b|\bsorts? \w+ into\b",
    ),
)
RECIPES: tuple[tuple[str, str], ...] = (
    ("fine_tune", r"fine[-\s]?tun\w*|finetun\w*|파인\s*튜닝|미세\s*조정|전이\s*학습|transfer learning"),
    ("full", r"\bfull(?:y)?[-\s](?:train\w*|network)|from scratch|처음부터|전체\s*(?:학습|훈련)|스크래치\s*로|통째로"),
    ("probe", r"\bprob(?:e|ing)\b|linear (?:head|classifier|probe)|프로브|선형"),
)
TASK_OF_RECIPE = {"fine_tune": "classification", "full": "classification", "probe": "classification"}
_SCRATCH = re.compile(r"from scratch|처음부터|스크래치\s*로")
# Networks as Korean writes them by ear.
_BY_EAR = (
    (r"와이드\s*(?:레즈넷|레스넷|resnet)", "wide_resnet"), (r"레즈넷|레스넷|리즈넷", "resnet"),
    (r"이?[피에]피?션트\s*넷|에피션트\s*넷|이피션트\s*넷|효율넷", "efficientnet"),
    (r"(?<=efficientnet)\s*라이트\s*", "_lite"),
    (r"모바일\s*넷", "mobilenet"), (r"콘브?넥스트|컨브?넥스트", "convnext"), (r"디노\s*v?\s*2", "dinov2"),
)  # fmt: skip
_BACKBONE = re.compile(
    r"\b(?:tf_|wide[ _-]?)?(?:efficient\s?net|resnet|convnext|mobilenet|vit|dinov\d|swin|regnet|densenet)"
    r"[a-z0-9_.]*(?:[ _-](?:lite\s?\d|b\d|v\d\w?|s|m|l|tiny|small|base|large|\d+)(?![a-z0-9]))*"
)
_IN_PLACE_OF = re.compile(r"\b(?:not|instead of|rather than)(?: the| a)?\s*$")
_HOURS = re.compile(rf"{_N}\s*(?:시간|hours?\b|hrs?\b|hr\b|h\b)")
_MINUTES = re.compile(rf"{_N}\s*(?:분(?!류|할|석|포|기)|minutes?\b|mins?\b|min\b|m\b(?!ap|iou))")
_SECONDS = re.compile(rf"{_N}\s*(?:초|seconds?\b|secs?\b)")
_SIZES = (
    re.compile(r"(?<![\d.])(\d{2,4})\s*(?:x|\*|by|곱하기)\s*(\d{2,4})(?![\d.])"),
    re.compile(r"(?<![\d.])(\d{2,4})\s*(?:px\b|pixels?\b|픽셀|화소|px)"),
    re.compile(
        r"(?:imgsz|image size|img size|input size|resolution|\binput\b|입력(?:\s*(?:이미지|영상))?"
        r"|이미지(?:\s*크기)?|해상도)"
        rf"{_IS}(\d{{2,4}})(?!\s*(?:장|개|분|%))"
    ),
)
_WHOLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "training.epochs",
        (
            r"(?<![\d.])(\d+)\s*(?:에폭|에포크|이폭|epochs?\b|epcohs?\b|ep\b|회\s*(?:반복|학습)|번\s*(?:반복"
            r"|학습|돌))(?!\s*(?:수|=|:|는|은)?\s*\d)",
            rf"(?:에폭|에포크|epochs?\b){_IS}{_WHOLE_NUMBER}",
            rf"(?:에폭|에포크|epochs?\b){_FILLED}(\d+)(?![\d.])(?!\s*(?:분|초|시간|장|개|px|min|hour|%))",
        ),
    ),
    (
        "training.batch_size",
        (
            rf"(?:batch(?:es)?(?:[\s_-]?size)?|bs\b|배치(?:\s*(?:크기|사이즈))?){_IS}{_WHOLE_NUMBER}",
            rf"(?:batch(?:es)?(?:[\s_-]?size)?|배치){_FILLED}(\d+)(?![\d.])"
            r"(?!\s*(?:분|초|시간|장|에폭|에포크|px|min|hour|epoch|%))",
            r"(?<![\d.])(\d+)\s*(?:per batch|a batch|images? per batch|배치)(?!\s*(?:크기|사이즈|=|:|는|은)?\s*\d)",
        ),
    ),
    ("training.patience", (rf"(?:patience|early[- ]stop(?:ping)?(?: after)?|조기\s*종료){_IS}{_WHOLE_NUMBER}",)),
    ("training.trained_stages", (r"(?:last|마지막)\s*(\d+)\s*(?:stages?|단계|스테이지)",)),
    ("seed", (rf"(?:\bseed|시드){_IS}{_WHOLE_NUMBER}",)),
    (
        "data.dataset",
        (
            rf"(?:데이터\s*셋|dataset)\s*(?:버전|version|v)?{_IS}#?(\d+)(?!\s*(?:장|개|분|epoch|에폭|px|%))",
            r"(\d+)\s*번\s*데이터\s*셋",
        ),
    ),
    ("data.least_images", (r"(?:at least|최소)\s*(\d+)\s*(?:images? (?:a|per|each)|장)",)),
)
_REAL: tuple[tuple[str, str], ...] = (
    (
        "training.learning_rate",
        rf"(?:\blr\b|learning[\s_-]?rate|학습률|학습율|러닝\s*레이트)(?:{_IS}|{_FILLED},?\s*)(\d*\.?\d+(?:e-?\d+)?)",
    ),
    ("training.weight_decay", rf"(?:weight decay|가중치\s*감쇠){_IS}(\d*\.?\d+(?:e-?\d+)?)"),
    ("training.label_smoothing", rf"(?:label smoothing|레이블\s*스무딩){_IS}{_N}"),
    ("augmentation.mixup", rf"(?:mix-?up|믹스업){_IS}{_N}"),
    ("augmentation.cutmix", rf"(?:cut-?mix|컷믹스){_IS}{_N}"),
    (
        "augmentation.rotation_deg",
        rf"(?:rotat\w*|회전){_FILLED}(?:up to\s*)?±?\s*{_N}(?![\d.])"
        r"(?!\s*(?:분|초|시간|장|에폭|에포크|px|min|hour|epoch|%))",
    ),
    ("augmentation.rotation_deg", rf"{_N}\s*(?:도|deg(?:ree)?s?\b|°)[^\d.,;]{{0,10}}?(?:rotat\w*|회전)"),
)
_FLIPS: tuple[tuple[str, str], ...] = (
    ("augmentation.flip_horizontal", r"좌우|양옆|\bhorizontal\w*|\bleft\b.{0,12}\bright\b|\bsideways\b"),
    (
        "augmentation.flip_vertical",
        r"상하|위\s*아래|\bvertical\w*|\bupside[- ]down\b|\b(?:top|up)\b.{0,12}\b(?:bottom|down)\b",
    ),
)
_FLIP = re.compile(r"반전|뒤집|미러링|거울|\bflip\w*(?!.{0,20}\bto\b)|\bmirror\w*|\bupside[- ]down\b")
_TURNED_OFF = re.compile(
    r"(?:반전|뒤집\S*|미러링)(?:은|는|을|를|도)?\s*(?:말고|말아|마(?![가-힣])|하지\s*마|빼|끄|꺼|없이|없애|제외|안\s)"
    r"|뒤집지\s*(?:마|말)"
    r"|\b(?:no|without|don'?t|do not|stop|disable|turn off|switch off|drop|remove|skip)"
    r" (?:\w+[- ]){0,3}?(?:flip|mirror)\w*"
    r"|\b(?:flip|mirror)\w*(?: \w+)? off\b"
)
_SHARES: tuple[tuple[str, str], ...] = (
    (
        "data.val_share",
        rf"(?:\bval(?:idation)?\b|검증)\s*(?:set|split|share|데이터|세트|비율)?{_IS}{_N}\s*(%|퍼센트|프로)?",
    ),
    (
        "data.test_share",
        rf"(?:\btest\b|시험|테스트)\s*(?:set|split|share|데이터|세트|비율)?{_IS}{_N}\s*(%|퍼센트|프로)?",
    ),
)
# What is said of nothing but a training, with a value.
SETTING_PATHS = frozenset(path for path, _said in (*_WHOLE, *_REAL, *_FLIPS, *_SHARES)) | {
    "model.backbone",
    "report.goals",
}
_FIGURES: tuple[tuple[str, str], ...] = (
    ("map50_95", r"map\s*@?\s*\[?(?:50|0?\.5)\s*[-_:~]\s*(?:95|0?\.95)\]?"),
    ("map50", r"map\s*[@_-]?\s*(?:50|0?\.50?)(?![\d.])"),
    ("mask_iou", r"mask[\s_-]?iou|마스크\s*iou"),
    ("miou", r"m\s?iou|mean iou|평균\s*iou"),
    ("macro_f1", r"macro[\s_-]?f1|매크로\s*f1|\bf1(?:[\s-]?score|\s*점수)?"),
    ("top5", r"top[\s_-]?5(?:\s*accuracy|\s*정확도)?"),
    ("top1", r"top[\s_-]?1(?:\s*accuracy|\s*정확도)?"),
    ("map50", r"\bmap\b"),
    ("accuracy", r"accuracy|정확도|정확률|정답률"),
)
_BETWEEN = (
    r"(?:\s*(?:은|는|이|가|을|를|score|점수|값|of|at least|above|over|>=?|=|:|to|should be|must be|has to be|is"
    r"|최소|목표|goal|target|min(?:imum)?|as|기준|수준|reach(?:es|ing)?|a))*\s*"
)
_ACCURACY = {"classification": "top1", "segmentation": "miou", "detection": "map50"}


def read_task(text: str) -> str | None:
    """Return the task that the words name, None for none."""
    return next((task for task, pattern in TASKS if re.search(pattern, text)), None)


def read_recipe(text: str) -> str | None:
    """Return the recipe that the words name, None for none."""
    return next((recipe for recipe, pattern in RECIPES if re.search(pattern, text)), None)


def read_settings(text: str) -> dict[str, Any]:
    """Return the settings in normalized text by their paths; names of products must be blanked in it.

    Values are as they were said: whether they are allowed is looked at later.
    """
    said: dict[str, Any] = {}
    task, recipe = read_task(text), read_recipe(text)
    if recipe is not None:
        said["model.recipe"] = recipe
        task = task or TASK_OF_RECIPE[recipe]
    if task is not None:
        said["task"] = task
    if recipe == "full" and _SCRATCH.search(text):
        said["model.scratch"] = True
    goals, text = _read_goals(text, task or "classification")
    if goals:
        said["report.goals"] = goals
    for read in (_read_backbone, _read_whole, _read_real, _read_shares, _read_size, _read_time):
        found, text = read(text)
        said |= found
    return said | _read_flips(text)


def _read_flips(text: str) -> dict[str, Any]:
    """Return in which directions images are mirrored: left and right, where none is said."""
    if _FLIP.search(text) is None:
        return {}
    wanted = _TURNED_OFF.search(text) is None
    directions = [path for path, pattern in _FLIPS if re.search(pattern, text)]
    if not directions:
        # None at all is none either way.
        directions = [path for path, _pattern in _FLIPS[: 1 if wanted else 2]]
    return dict.fromkeys(directions, wanted)


def _read_goals(text: str, task: str) -> tuple[dict[str, float], str]:
    goals: dict[str, float] = {}
    for name, pattern in _FIGURES:
        after = re.search(rf"(?:{pattern}){_BETWEEN}{_N}\s*(%|퍼센트|프로)?", text)
        before = re.search(rf"{_N}\s*(%|퍼센트|프로)?\s*(?:이상의?|or better|or more)?\s*(?:의\s*)?(?:{pattern})", text)
        found = after or before
        if found is None:
            continue
        value = float(found[1]) / (100.0 if found[2] or float(found[1]) > 1.0 else 1.0)
        goals.setdefault(_ACCURACY[task] if name == "accuracy" else name, round(value, 6))
        text = f"{text[: found.start()]} {text[found.end() :]}"
    return goals, text


def _read_backbone(text: str) -> tuple[dict[str, Any], str]:
    for pattern, name in _BY_EAR:
        text = re.sub(pattern, name, text)
    said = list(_BACKBONE.finditer(text))
    meant = [one for one in said if not _is_turned_down(text, one)]
    found = next(iter(meant or said), None)
    if found is None:
        return {}, text
    name = re.sub(r"[\s-]+", "_", found[0].strip()).replace("efficient_net", "efficientnet")
    return {"model.backbone": name}, f"{text[: found.start()]} {text[found.end() :]}"


def _is_turned_down(text: str, found: re.Match[str]) -> bool:
    """Return whether something else is wanted in its place: “효율넷 말고 resnet18”."""
    before, after = text[: found.start()], text[found.end() :]
    return bool(re.match(r"\s*(?:은|는|을|를)?\s*(?:말고|대신|빼고|아니고)", after) or _IN_PLACE_OF.search(before))


def _read_whole(text: str) -> tuple[dict[str, Any], str]:
    return _read_each(text, _WHOLE, int)


def _read_real(text: str) -> tuple[dict[str, Any], str]:
    return _read_each(text, tuple((path, (pattern,)) for path, pattern in _REAL), float)


def _read_each(
    text: str, patterns: tuple[tuple[str, tuple[str, ...]], ...], kind: Callable[[str], Any]
) -> tuple[dict[str, Any], str]:
    said: dict[str, Any] = {}
    for path, choices in patterns:
        for pattern in choices:
            found = re.search(pattern, text)
            if found is not None:
                said[path] = kind(found[1][:12])
                text = f"{text[: found.start()]} {text[found.end() :]}"
                break
    return said, text


def _read_shares(text: str) -> tuple[dict[str, Any], str]:
    said: dict[str, Any] = {}
    for path, pattern in _SHARES:
        found = re.search(pattern, text)
        if found is not None and (found[2] or float(found[1]) < 1.0):
            said[path] = round(float(found[1]) / (100.0 if found[2] else 1.0), 6)
            text = f"{text[: found.start()]} {text[found.end() :]}"
    return said, text


def _read_size(text: str) -> tuple[dict[str, Any], str]:
    for pattern in _SIZES:
        found = pattern.search(text)
        if found is not None:
            width = int(found[1])
            height = int(found[2]) if found.re.groups > 1 else width
            rest = f"{text[: found.start()]} {text[found.end() :]}"
            return {"input.width_px": width, "input.height_px": height}, rest
    return {}, text


def _read_time(text: str) -> tuple[dict[str, Any], str]:
    minutes = 30.0 if re.search(r"\d\s*시간\s*반(?![가-힣])", text) else 0.0
    for pattern, factor in ((_HOURS, 60.0), (_MINUTES, 1.0), (_SECONDS, 1.0 / 60.0)):
        found = pattern.search(text)
        if found is not None:
            minutes += float(found[1]) * factor
            text = f"{text[: found.start()]} {text[found.end() :]}"
    if not minutes:
        return {}, text
    minutes = round(minutes, 2)
    return {"limits.minutes": int(minutes) if minutes.is_integer() else minutes}, text

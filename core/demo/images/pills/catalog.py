"""The pills' texts, as a quality engineer would register them."""

from core.demo.images.pills.kinds import DESIGNS, NAMES
from core.demo.images.pills.production import draw_images
from core.demo.images.records import DemoKind, DemoProduct

_FORMS = {
    "round": ("원형 정제", "A round tablet"),
    "oval": ("타원형 정제", "An oval tablet"),
    "oblong": ("장방형 정제", "An oblong tablet"),
    "square": ("사각 정제", "A square tablet"),
    "diamond": ("마름모 정제", "A diamond-shaped tablet"),
    "triangle": ("삼각 정제", "A triangular tablet"),
    "pentagon": ("오각 정제", "A pentagonal tablet"),
    "hexagon": ("육각 정제", "A hexagonal tablet"),
    "capsule": ("두 색 경질캡슐", "A hard capsule in two colors"),
    "softgel": ("투명한 연질캡슐", "A clear soft capsule"),
}


def _describe_kinds() -> tuple[DemoKind, ...]:
    kinds = []
    for design in DESIGNS:
        name_ko, name_en = NAMES[design.code]
        form_ko, form_en = _FORMS[design.form]
        front = design.front.replace("/", " ")
        length, width = (f"{2 * half:.1f}" for half in design.half)
        size = f"{length} × {width} mm"
        marked_ko = f"앞면에 “{front}” 각인·인쇄" if front else "각인 없음"
        marked_en = f"marked “{front}” on the front" if front else "without an imprint"
        scored = bool(design.front_score or design.back_score)
        kinds.append(
            DemoKind(
                design.code,
                name_ko,
                name_en,
                f"{form_ko}, {size}, {marked_ko}{', 분할선 있음' if scored else ''}.",
                f"{form_en}, {size}, {marked_en}{', scored' if scored else ''}.",
            )
        )
    return tuple(kinds)


PILLS = DemoProduct(
    code="pills",
    name_ko="알약 식별",
    name_en="Pills",
    description_ko=(
        "정제와 캡슐 24종을 식별하는 제품입니다. 모두 가상의 품목입니다. 낱알마다 앞면과 뒷면을 한 장씩, 촬영 부스(스튜디오)와 "
        "휴대폰으로 찍었습니다. 어느 면을 보아도 품목을 가릴 수 있으므로 두 면은 뷰로 나누지 않고, 같은 낱알의 사진으로 "
        "묶습니다. 휴대폰 사진은 책상, 손바닥, 천 위에서 기울고 흔들리고 색이 치우친 사진입니다."
    ),
    description_en=(
        "Twenty-four kinds of tablets and capsules to be told apart, all invented. Of each piece there is one picture of "
        "the front and one of the back, from a photo station (studio) or by a phone. Either face tells the kind, so the "
        "faces are no views: they are two pictures of one part. The pictures by phone lie on desks, palms and cloth, are "
        "slanted, shaken, and off in color."
    ),
    defects=(),
    license=None,
    source=None,
    make_images=draw_images,
    kinds=_describe_kinds(),
)

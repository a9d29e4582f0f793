"""The kinds of pill that there are, with their names: invented, none is anybody's medicine."""

from __future__ import annotations

from core.demo.images.pills.designs import PillDesign

_INK_DARK, _INK_WHITE = (45, 45, 55), (245, 245, 245)

# Each is told from all others by outline and color, on either face: the imprint confirms it.
DESIGNS: tuple[PillDesign, ...] = (
    PillDesign("gs10", "round", (4.6, 4.6), (240, 238, 232), "GS/10", front_score="", back_score="line"),
    PillDesign("gl500", "oblong", (8.6, 3.5), (242, 240, 236), "GL 500", "", back_score="line", rounding_mm=2.4),
    PillDesign("h2", "hexagon", (4.9, 4.7), (236, 234, 226), "H2", "G", rounding_mm=0.8),
    PillDesign("y5", "round", (3.5, 3.5), (242, 210, 70), "Y5", "", back_score="line"),
    PillDesign("ov20", "oval", (6.4, 3.9), (246, 222, 110), "OV20", "G", rounding_mm=2.6, height_mm=1.5),
    PillDesign("r81", "round", (5.0, 5.0), (238, 128, 44), "R/81", "GS", rounding_mm=3.4, height_mm=1.7, gloss=0.45),
    PillDesign("t3", "triangle", (5.2, 3.3), (244, 150, 78), "T3", "G", rounding_mm=1.6),
    PillDesign("p7", "round", (4.7, 4.7), (240, 164, 178), "P7", "", back_score="cross", rounding_mm=0.9),
    PillDesign("p40", "oval", (7.0, 4.2), (228, 120, 150), "P 40", "GS", rounding_mm=2.8, height_mm=1.6, gloss=0.35),
    PillDesign("a1", "round", (5.2, 5.2), (158, 34, 40), "A1", "", rounding_mm=4.0, height_mm=2.1, gloss=0.6),
    PillDesign(
        "c11", "capsule", (8.6, 3.2), (244, 240, 234), "GS C11", "C11", second=(190, 36, 44),
        rounding_mm=3.2, height_mm=2.8, gloss=0.7, ink=_INK_DARK,
    ),
    PillDesign("g25", "oblong", (7.6, 3.1), (118, 176, 104), "G 25", "", back_score="line", rounding_mm=2.2),
    PillDesign(
        "c13", "capsule", (8.6, 3.2), (240, 206, 72), "GS C13", "C13", second=(38, 122, 74),
        rounding_mm=3.2, height_mm=2.8, gloss=0.7, ink=_INK_DARK,
    ),
    PillDesign("b100", "round", (4.4, 4.4), (104, 160, 214), "B/100", "", back_score="line", rounding_mm=0.9),
    PillDesign("d50", "diamond", (6.2, 4.6), (70, 118, 190), "D50", "GS", rounding_mm=2.2, gloss=0.4),
    PillDesign(
        "c16", "capsule", (8.6, 3.2), (244, 242, 238), "GS C16", "C16", second=(44, 92, 180),
        rounding_mm=3.2, height_mm=2.8, gloss=0.7, ink=_INK_DARK,
    ),
    PillDesign("v40", "oval", (6.6, 4.0), (132, 84, 160), "V40", "G", rounding_mm=2.8, height_mm=1.6, gloss=0.4),
    PillDesign("q4", "square", (3.9, 3.9), (180, 140, 200), "Q4", "", back_score="cross", rounding_mm=0.9),
    PillDesign("br8", "round", (4.2, 4.2), (112, 66, 44), "BR8", "", rounding_mm=3.4, height_mm=1.8, gloss=0.5),
    PillDesign("k5", "pentagon", (4.8, 4.3), (226, 190, 160), "K5", "GS", rounding_mm=0.8),
    PillDesign(
        "s21", "softgel", (7.4, 4.3), (222, 146, 42), "", "", rounding_mm=4.3, height_mm=3.4, gloss=0.95,
    ),
    PillDesign("s8", "square", (4.3, 4.3), (70, 168, 160), "S8", "GS", rounding_mm=1.0),
    PillDesign(
        "c23", "capsule", (8.6, 3.2), (240, 196, 60), "GS C23", "C23", second=(40, 40, 46),
        rounding_mm=3.2, height_mm=2.8, gloss=0.7, ink=(120, 60, 30),
    ),
    PillDesign(
        "e24", "round", (6.0, 6.0), (236, 238, 240), "E24", "", back_score="line", rounding_mm=0.7,
        speckles=0.16, speckle=(70, 120, 190),
    ),
)  # fmt: skip

# Names in Korean and English by code.
NAMES: dict[str, tuple[str, str]] = {
    "gs10": ("흰색 원형정 GS10", "White round tablet GS10"),
    "gl500": ("흰색 장방형정 GL500", "White oblong tablet GL500"),
    "h2": ("흰색 육각정 H2", "White hexagonal tablet H2"),
    "y5": ("노란색 소형 원형정 Y5", "Small yellow round tablet Y5"),
    "ov20": ("연노란색 타원정 OV20", "Light yellow oval tablet OV20"),
    "r81": ("주황색 코팅 원형정 R81", "Orange coated round tablet R81"),
    "t3": ("살구색 삼각정 T3", "Apricot triangular tablet T3"),
    "p7": ("분홍색 십자 분할정 P7", "Pink cross-scored tablet P7"),
    "p40": ("진분홍색 타원정 P40", "Deep pink oval tablet P40"),
    "a1": ("적갈색 당의정 A1", "Dark red sugar-coated tablet A1"),
    "c11": ("빨강·흰색 캡슐 C11", "Red and white capsule C11"),
    "g25": ("녹색 장방형정 G25", "Green oblong tablet G25"),
    "c13": ("녹색·노란색 캡슐 C13", "Green and yellow capsule C13"),
    "b100": ("하늘색 원형정 B100", "Light blue round tablet B100"),
    "d50": ("파란색 마름모정 D50", "Blue diamond tablet D50"),
    "c16": ("파랑·흰색 캡슐 C16", "Blue and white capsule C16"),
    "v40": ("보라색 타원정 V40", "Purple oval tablet V40"),
    "q4": ("연보라색 사각정 Q4", "Lilac square tablet Q4"),
    "br8": ("갈색 코팅 원형정 BR8", "Brown coated round tablet BR8"),
    "k5": ("베이지색 오각정 K5", "Beige pentagonal tablet K5"),
    "s21": ("호박색 연질캡슐 S21", "Amber softgel S21"),
    "s8": ("청록색 사각정 S8", "Teal square tablet S8"),
    "c23": ("검정·노란색 캡슐 C23", "Black and yellow capsule C23"),
    "e24": ("파란 반점 대형 원형정 E24", "Large speckled round tablet E24"),
}

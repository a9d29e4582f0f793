"""The battery's texts, as a quality engineer would register it: its views, its kinds, its defects."""

from core.demo.images.battery.production import draw_images
from core.demo.images.records import DemoDefect, DemoKind, DemoProduct, DemoView

BATTERY = DemoProduct(
    code="cell",
    name_ko="배터리 셀",
    name_en="Battery cell",
    description_ko=(
        "파우치 셀과, 셀 네 개를 프레임에 넣어 레진으로 채운 모듈입니다. 한 개체를 두 번 촬영합니다. CT 단면으로는 "
        "레진과 전극 적층 속을, RGB 사진으로는 외관과 라벨을 봅니다. 레진 높이와 전극 간격의 작은 편차, CT의 링 "
        "아티팩트, 포일의 결과 미세한 먼지는 정상으로 봅니다."
    ),
    description_en=(
        "Pouch cells, and modules of four cells that are potted with resin in a frame. Each piece is pictured twice: a "
        "CT slice shows the resin and the stack of electrodes, an RGB photograph the outside with its label. Small "
        "differences of the fill line and of the layers, ring artifacts of the CT, the grain of the foil and fine dust "
        "are acceptable."
    ),
    defects=(
        DemoDefect(
            code="porosity",
            name_ko="기공",
            name_en="Porosity",
            description_ko=(
                "레진이나 전극층 안에 남은 공기 구멍입니다. CT에만 어둡게 보이며, 방열이 끊기고 균열이 시작되는 자리가 "
                "됩니다."
            ),
            description_en=(
                "Air left in the resin or between the layers. Only the CT shows it, as dark voids; heat does not pass "
                "there, and cracks begin."
            ),
            severity="critical",
            phrase="dark round void",
        ),
        DemoDefect(
            code="overflow",
            name_ko="수지 넘침",
            name_en="Resin overflow",
            description_ko=(
                "레진이 정해진 높이를 넘어 상부 빈 공간이나 벽 바깥으로 흘러나와 굳은 상태입니다. CT 단면에 회색 덩어리로 "
                "보이며, 가스 배출 통로와 조립면을 막습니다."
            ),
            description_en=(
                "Resin that ran over its line into the head space, or out of the wall, and cured there. The CT slice "
                "shows it as a gray lobe; it closes the vent and the faces for assembly."
            ),
            severity="major",
            phrase="gray lump in the dark gap",
        ),
        DemoDefect(
            code="dirt",
            name_ko="이물",
            name_en="Dirt",
            description_ko=(
                "외관에 묻은 기름때, 연마 분진, 접착제, 섬유입니다. RGB 사진에만 보이며, 닦아서 지워지면 다시 검사합니다."
            ),
            description_en=(
                "Grease, dust of the grinder, glue or a fiber on the outside. Only the photograph shows it; if it wipes "
                "off, the piece is inspected again."
            ),
            severity="minor",
            phrase="dirt stain or fiber",
        ),
        DemoDefect(
            code="damage",
            name_ko="손상",
            name_en="Damage",
            description_ko=(
                "외장이 눌리거나 긁히거나 찢긴 상태입니다. RGB 사진에 보이며, 절연이 깨지거나 전해액이 샐 수 있어 만지기 "
                "전에 격리합니다."
            ),
            description_en=(
                "A dent, a scratch or a tear of the outside. The photograph shows it; the insulation may be broken or "
                "electrolyte leak, so the piece is set apart before anyone handles it."
            ),
            severity="critical",
            phrase="dent, scratch or torn edge",
        ),
    ),
    license=None,
    source=None,
    make_images=draw_images,
    kinds=(
        DemoKind("cell", "셀", "Cell", "파우치 셀 한 개로 된 정상품입니다.", "A good piece that is one pouch cell."),
        DemoKind(
            "module",
            "모듈",
            "Module",
            "셀 네 개를 프레임에 넣은 정상품입니다.",
            "A good piece of four cells in a frame.",
        ),
    ),
    views=(
        # Pores, stains and scratches of a few pixels: the usual input misses twice as many (benchmarks/README.md).
        DemoView("ct", "CT 단면", "CT slice", modality="ct", found_as="internal", input_size_px=448),
        DemoView("rgb", "RGB 사진", "RGB photograph", modality="rgb", found_as="external", input_size_px=448),
    ),
)

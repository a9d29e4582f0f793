"""The demo products with their texts, as a quality engineer would register them."""

from core.demo.images import carpet, casting, leather, wire_grid
from core.demo.images.battery.catalog import BATTERY
from core.demo.images.pills.catalog import PILLS
from core.demo.images.production import Production
from core.demo.images.records import DemoDefect, DemoProduct
from core.demo.images.solar_cells import SOLAR_MONO, SOLAR_POLY

# Where the generated images come from, by the product's code.
PRODUCTIONS: dict[str, Production] = {
    production.code: production
    for production in (
        Production("casting", ("hole", "burr", "scratch"), casting.Impeller.draw, seed=1101, file_format="png"),
        Production("leather", ("cut", "fold", "stain"), leather.Panel.draw, seed=1102, file_format="jpg"),
        Production("grid", ("bent", "broken", "glue"), wire_grid.Mesh.draw, seed=1103, file_format="png"),
        Production("carpet", ("hole", "thread", "stain"), carpet.Tile.draw, seed=1104, file_format="jpg"),
    )
}

CASTING = DemoProduct(
    code="casting",
    name_ko="주조A형",
    name_en="Casting type A",
    description_ko=(
        "펌프용 사형 주조 임펠러로, 보스와 외륜을 선삭 가공한 뒤 세척까지 마친 상태입니다. 검사 공정에서는 회전 "
        "지그 위의 제품을 상부 흑백 카메라와 사광 조명으로 촬영합니다. 주물사 자국, 허용 범위의 선삭 흔적, 마른 "
        "절삭유 얼룩은 정상으로 봅니다."
    ),
    description_en=(
        "A sand-cast pump impeller, hub and rim turned on a lathe and washed. At the station a monochrome camera "
        "looks straight down on the fixture under slanting light. The grain of the sand, tool marks within "
        "tolerance and dried films of coolant are acceptable."
    ),
    defects=(
        DemoDefect(
            code="hole",
            name_ko="기공",
            name_en="Blow hole",
            description_ko=(
                "주조 중 혼입된 가스로 표면에 생긴 움푹한 구멍입니다. 하나 또는 여러 개가 모여 나타나며, 내부 "
                "기공과 이어지면 누설과 강도 저하의 원인이 됩니다."
            ),
            description_en=(
                "A pit left by gas trapped during casting, alone or in a cluster. Where it leads to porosity "
                "inside, the part leaks or breaks."
            ),
            severity="critical",
        ),
        DemoDefect(
            code="burr",
            name_ko="버",
            name_en="Burr",
            description_ko=(
                "금형 분할면이나 보어 가장자리로 흘러나와 굳은 얇은 잔여 금속입니다. 조립 간섭과 작업자 베임의 "
                "원인이 되므로 사상 공정에서 제거해야 합니다."
            ),
            description_en=(
                "Thin metal that ran out of the parting line or over the edge of the bore. It hinders assembly and "
                "cuts fingers, and has to be trimmed off."
            ),
            severity="major",
        ),
        DemoDefect(
            code="scratch",
            name_ko="긁힘",
            name_en="Scratch",
            description_ko=(
                "취급이나 이송 중 공구, 다른 제품과 부딪혀 생긴 선형 흠입니다. 밝은 선으로 보이며, 가공면을 지나면 "
                "밀봉 불량으로 이어질 수 있습니다."
            ),
            description_en=(
                "A line left by a tool or another part during handling; it shows bright. Across a machined face it "
                "may spoil the seal."
            ),
            severity="minor",
        ),
    ),
    license=None,
    source=None,
    make_images=PRODUCTIONS["casting"].images,
)

LEATHER = DemoProduct(
    code="leather",
    name_ko="가죽 원단",
    name_en="Leather panel",
    description_ko=(
        "자동차 시트용으로 재단한 갈색 엠보 가죽입니다. 재단 후 선별대에서 컬러 카메라와 낮은 각도의 조명으로 "
        "은면을 촬영합니다. 은면 무늬의 크기 차이, 옅은 혈관 자국, 모공, 염색 농도의 완만한 변화는 정상입니다."
    ),
    description_en=(
        "Pebbled brown leather cut for car seats. After cutting, a colour camera and a low light look at the grain "
        "side on the sorting table. Coarser and finer grain, faint veins, pores and slow changes of the dye are "
        "natural and acceptable."
    ),
    defects=(
        DemoDefect(
            code="cut",
            name_ko="베임",
            name_en="Cut",
            description_ko=(
                "칼이나 재단기 날에 은면이 베인 자국입니다. 가장자리가 들리고 밝은 속가죽이 드러나며, 봉제 "
                "장력에서 찢어짐으로 번집니다."
            ),
            description_en=(
                "A slit left by a knife or the cutting die. Its lips stand up and show the raw hide; under the "
                "pull of the seam it tears on."
            ),
            severity="critical",
        ),
        DemoDefect(
            code="fold",
            name_ko="주름",
            name_en="Fold",
            description_ko=(
                "접힌 채 눌려 남은 선형 융기입니다. 은면 무늬가 펴져 있고 한쪽이 밝고 반대쪽이 어둡게 보이며, 외관 "
                "등급을 낮춥니다."
            ),
            description_en=(
                "A ridge that stays where the hide was pressed while folded. The grain is stretched flat there, "
                "one flank bright and the other dark. It lowers the grade."
            ),
            severity="minor",
        ),
        DemoDefect(
            code="stain",
            name_ko="얼룩",
            name_en="Stain",
            description_ko=(
                "기름, 물, 염료, 풀 등이 스며들거나 묻어 색이 달라진 부분입니다. 세척으로 지워지지 않으면 해당 "
                "부위를 피해 다시 재단합니다."
            ),
            description_en=(
                "A patch whose colour was changed by oil, water, dye or paste. Where cleaning does not help, the "
                "panel is cut again around it."
            ),
            severity="major",
        ),
    ),
    license=None,
    source=None,
    make_images=PRODUCTIONS["leather"].images,
)

GRID = DemoProduct(
    code="grid",
    name_ko="금속 그리드",
    name_en="Wire grid",
    description_ko=(
        "여과기와 안전 덮개에 쓰는 평직 스테인리스 철망입니다. 제직 후 어두운 받침 위에 놓고 측면 조명과 흑백 "
        "카메라로 촬영합니다. 선 간격의 작은 편차와 인발 자국, 먼지는 정상이며 선의 형상과 이물을 검사합니다."
    ),
    description_en=(
        "A plain-woven stainless wire mesh for filters and guards. After weaving it lies on a dark tray under side "
        "light and a monochrome camera. Small differences in spacing, drawing marks and dust are acceptable; the "
        "inspection looks at the run of the wires and for foreign matter."
    ),
    defects=(
        DemoDefect(
            code="bent",
            name_ko="휨",
            name_en="Bent wire",
            description_ko=(
                "한 가닥 또는 이웃한 가닥이 제자리에서 밀려나 눈의 크기가 달라진 상태입니다. 여과 정밀도가 떨어집니다."
            ),
            description_en=(
                "One wire, or two neighbours, pushed out of place so that the openings differ. The mesh no longer "
                "filters to size."
            ),
            severity="major",
        ),
        DemoDefect(
            code="broken",
            name_ko="끊김",
            name_en="Broken wire",
            description_ko=(
                "선이 끊어져 틈이 생기고 끝단이 튀어나온 상태입니다. 이물 통과와 작업자 부상의 위험이 있어 즉시 "
                "폐기합니다."
            ),
            description_en=(
                "A wire that parted, its ends sprung aside. It lets foreign matter through and injures hands: "
                "scrap at once."
            ),
            severity="critical",
        ),
        DemoDefect(
            code="glue",
            name_ko="이물(접착제)",
            name_en="Glue",
            description_ko=(
                "프레임 접착 공정에서 떨어진 접착제가 눈을 막은 상태입니다. 반투명하거나 뿌옇게 보이며, 굳기 "
                "전이면 용제로 제거할 수 있습니다."
            ),
            description_en=(
                "Adhesive from the framing step that closes openings, clear or milky. Before it cures it can be "
                "taken off with solvent."
            ),
            severity="minor",
        ),
    ),
    license=None,
    source=None,
    make_images=PRODUCTIONS["grid"].images,
)

CARPET = DemoProduct(
    code="carpet",
    name_ko="카펫 타일",
    name_en="Carpet tile",
    description_ko=(
        "사무실 바닥용 2/2 능직 카펫 타일입니다. 코팅 라인 끝에서 컬러 라인 조명 아래 연속 촬영합니다. 실의 굵기와 "
        "색의 작은 차이, 장력에 따른 무늬의 흔들림, 청소로 떨어지는 짧은 보풀은 정상으로 봅니다."
    ),
    description_en=(
        "A 2/2 twill carpet tile for office floors, photographed in colour at the end of the coating line. Small "
        "differences in the yarns' thickness and shade, a pattern that sways with the tension, and short lint that "
        "comes off in cleaning are acceptable."
    ),
    defects=(
        DemoDefect(
            code="hole",
            name_ko="구멍",
            name_en="Hole",
            description_ko=(
                "실이 빠지거나 끊겨 바닥 기포지가 드러난 부분입니다. 가장자리 올이 풀려 있으며 사용 중 점점 커집니다."
            ),
            description_en=(
                "Yarns missing or cut so that the backing shows, with frayed ends around. It grows in use."
            ),
            severity="critical",
        ),
        DemoDefect(
            code="thread",
            name_ko="실밥",
            name_en="Loose thread",
            description_ko=(
                "제직 중 끊긴 실이나 다른 실이 표면에 남은 상태입니다. 표면에만 놓였으면 제거 후 재검사하고, "
                "조직에 물렸으면 잘라 냅니다."
            ),
            description_en=(
                "A broken or foreign yarn left on the face. If it only lies there, remove it and inspect again; if "
                "it is woven in, trim it."
            ),
            severity="minor",
        ),
        DemoDefect(
            code="stain",
            name_ko="오염",
            name_en="Stain",
            description_ko=(
                "기계유, 코팅액, 표백 등으로 색이 달라진 부분입니다. 세정 후에도 남으면 등급을 낮추거나 폐기합니다."
            ),
            description_en=(
                "A patch whose colour was changed by machine oil, coating or bleach. What cleaning leaves is "
                "downgraded or scrapped."
            ),
            severity="major",
        ),
    ),
    license=None,
    source=None,
    make_images=PRODUCTIONS["carpet"].images,
)

PRODUCTS: tuple[DemoProduct, ...] = (SOLAR_MONO, SOLAR_POLY, CASTING, LEATHER, GRID, CARPET, BATTERY, PILLS)

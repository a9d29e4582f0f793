"""A vision-language model as a method: asked about a dataset version's types, with its good parts to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from core.errors import AppError, BadInput
from core.i18n import LANGUAGES, N_
from core.methods.options import read_options
from core.methods.records import AskedSpec, ConfigField, LabelWords, MethodConfig, TrainingSet
from core.methods.visual.choice import current_visual_choice, find_visual_obstacle, get_server
from core.methods.visual.prompts import find_prompt
from core.methods.visual.servers import list_secrets
from inference.errors import ImageError
from inference.language.visual_questions.method import MAX_REFERENCES, VisualQuestionMethod
from inference.language.visual_questions.question import PartType, VisualQuestion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services

VLM = "vlm"
Language = Literal["ko", "en"]


@dataclass(frozen=True)
class VlmConfig:
    """The language of the reasons, and how many good parts are shown before each part, 0 to 4."""

    language: Language = "ko"
    references: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"language": self.language, "references": self.references}


class VlmSpec(AskedSpec):
    """The method `vlm`."""

    name = VLM
    title = N_("Vision-language model (VLM)")
    description = N_(
        "A vision-language model is asked in words, without any training: verdict, type, place and reason. An answer "
        "that is not of the agreed form counts as none."
    )
    fields = (
        ConfigField(
            "language",
            N_("Language of the reasons"),
            N_("In which language the model gives its reasons."),
            "choice",
            "ko",
            choices=tuple(LANGUAGES.items()),
        ),
        ConfigField(
            "references",
            N_("Good parts shown for comparison"),
            N_("So many good parts of the training split go along with every part. Each costs tokens and time."),
            "int",
            0,
            lowest=0,
            highest=MAX_REFERENCES,
        ),
    )
    names_types = True

    def read_config(self, values: Mapping[str, Any]) -> MethodConfig:
        """Return the configuration in plain values. Raises BadInput(`method_option_…`)."""
        return VlmConfig(**read_options(self.name, self.fields, values).values)

    def find_obstacle(self, services: Services) -> AppError | None:
        """Return what has to be set or chosen first; None where the model can be asked."""
        return find_visual_obstacle(services)

    def open(self, services: Services, training: TrainingSet, config: MethodConfig) -> VisualQuestionMethod:
        """Return the model with the question about these images. Raises NotReady."""
        assert isinstance(config, VlmConfig)
        language = config.language
        question = make_question(
            services,
            product_id=training.product_id,
            product=training.product_name_ko if language == "ko" else training.product_name_en,
            types=training.labels,
            view=training.view,
            modality=training.modality,
            language=language,
        )
        return connect_model(services, question, references=_pick_references(training, config.references))


def make_question(
    services: Services,
    *,
    product_id: int,
    product: str,
    types: Iterable[LabelWords],
    view: str,
    modality: str,
    language: Language,
) -> VisualQuestion:
    """Return the question with the prompt in force for the product and its kind of picture."""
    named = [found for found in types if found.label != "good"]
    return VisualQuestion(
        product=product,
        prompt=find_prompt(services, product_id, modality).text,
        modality=modality,
        view=view,
        defect_types=tuple(_part_type(found, language) for found in named if not found.is_good),
        good_kinds=tuple(_part_type(found, language) for found in named if found.is_good),
        language=language,
        boxes=current_visual_choice(services).convention,
    )


def connect_model(
    services: Services, question: VisualQuestion, *, references: Iterable[np.ndarray] = ()
) -> VisualQuestionMethod:
    """Return the chosen model with this question. Raises NotReady where none is chosen, or its address is missing."""
    obstacle = find_visual_obstacle(services)
    if obstacle is not None:
        raise obstacle
    choice = current_visual_choice(services)
    server = get_server(choice.server)
    return VisualQuestionMethod(
        choice.model,
        server.connect(services.settings),
        question,
        references=tuple(references),
        secrets=list_secrets(services.settings),
    )


def _part_type(found: LabelWords, language: Language) -> PartType:
    return PartType(found.label, found.name_ko if language == "ko" else found.name_en, found.description)


def _pick_references(training: TrainingSet, count: int) -> list[NDArray[np.uint8]]:
    """Return `count` readable good parts of the training split, spread evenly over it: always the same ones."""
    return load_spread([sample.load for sample in training.of("train", image_type="normal")], count)


def load_spread(loaders: Sequence[Callable[[], NDArray[np.uint8]]], count: int) -> list[NDArray[np.uint8]]:
    """Return `count` images that can be read, spread evenly over all; fewer where there are no more."""
    if count == 0:
        return []
    step = max(1, len(loaders) // count)
    in_turn = [*loaders[::step], *(load for place, load in enumerate(loaders) if place % step)]
    found: list[NDArray[np.uint8]] = []
    for load in in_turn:
        if len(found) == count:
            break
        try:
            found.append(load())
        except ImageError:
            continue  # another one will do
    return found


def as_language(language: str) -> Language:
    """Return a language of the interface as one of reasons. Raises BadInput(`words_language_unknown`)."""
    if language not in LANGUAGES:
        raise BadInput("words_language_unknown", value=language[:20], choices=", ".join(LANGUAGES))
    return cast(Language, language)

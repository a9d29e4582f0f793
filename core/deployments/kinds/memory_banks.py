"""The steps of a memory bank: trained on normal images, measured beside the one in use on the same test images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlmodel import Session, col, or_, select

from core.catalog.views import label_of, speak
from core.deployments.acceptance import Acceptance, BankCandidate, accept_bank
from core.deployments.costs import cost_of_model
from core.deployments.kinds.bank_extension import Extension, find_extension
from core.deployments.kinds.bank_snapshot import BankSnapshot
from core.deployments.kinds.bank_training import BuiltBank, train_bank
from core.deployments.measuring import TestMeasurement, measure, read_codes, test_set
from core.deployments.objections import Judged
from core.deployments.origins import log_origins
from core.deployments.steps import LAST_STAGES, BuildPart, Description, ModelSteps, NewVersion, PartResult
from core.errors import AppError, NotReady
from core.images.exposures.leaks import SPLIT_LEAK, find_test_leaks_in
from core.images.outliers import note_suspected
from core.images.training import count_training_images, has_training_images, key_of, of_view, training_rows
from core.jobs.outcomes import ACTIVATED, CANDIDATE, ProductOutcome
from core.jobs.progress import JobRun
from core.models.cache import ModelCache
from core.models.calibration_figures import CalibrationFigures, ThresholdFigures
from core.models.detection_figures import BankFigures, DetectionFigures
from core.models.judgment_words import weak_messages
from core.models.kinds import MEMORY_BANK
from core.models.options import DETECTION
from core.models.sources import BankSources
from core.preprocessing.notices import list_notices
from core.preprocessing.stored_options import read_preprocessing
from core.registry.activation_policy import read_policy
from core.registry.choices import chosen_for
from core.registry.fingerprints import fingerprints
from core.registry.lineage import regions_stale
from core.registry.test_scores import save_measurement
from core.registry.versions import active_version, place_of
from core.services import Services
from inference.build_cost import BuildCost
from inference.errors import InferenceError
from storage.tables import Image, ModelVersion, Product, ThresholdSetting, utc_now

# More labeled defects than this do not move a threshold, but each costs an inspection.
MAX_CALIBRATION_DEFECTS = 300


class MemoryBankSteps(ModelSteps[BankSnapshot, BuiltBank, TestMeasurement | None]):
    """How memory banks are built."""

    kind = MEMORY_BANK
    cost = BuildCost(product_s=2.0, image_s=0.035, base_bytes=1_100_000_000, image_bytes=650_000)
    stages = LAST_STAGES | {
        "fetch": (0.0, 0.05),
        "extract": (0.05, 0.40),
        "compare": (0.40, 0.55),
        "coreset": (0.55, 0.66),
        "train": (0.40, 0.66),
        "teach": (0.66, 0.72),
        "calibrate": (0.72, 0.75),
        "evaluate": (0.75, 0.93),
    }

    def find_obstacle(self, session: Session, product: Product, view: str = "") -> AppError | None:
        """Return NotReady no_normal_images, or None."""
        if has_training_images(session, product.id, view, image_type="normal"):
            return None
        return NotReady("no_normal_images", product=speak(session, product, view))

    def count_sources(self, session: Session, product_id: int, view: str = "") -> int:
        """Return the training images of the product, or of one view."""
        return count_training_images(session, product_id, view)

    def count_looks(self, session: Session, product_id: int, view: str = "") -> int:
        """Return one for each training image, or for each tile where these are inspected in tiles."""
        return self._count_looks(session, product_id, view, None)

    def cost_of_choice(self, session: Session, product_id: int, view: str = "") -> BuildCost:
        """Return the cost with the detector that is chosen, for the view or for all."""
        choice = chosen_for(session, DETECTION, product_id, view)
        return cost_of_model(self.cost, choice.option, choice.options)

    def expected_s(self, session: Session, product_id: int, view: str = "") -> float:
        """Return the seconds of one build. Where the bank can be extended, only the new images and defects count."""
        cost = self.cost_of_choice(session, product_id, view)
        extension = find_extension(session, product_id, view)
        return cost.product_s + cost.image_s * self._count_looks(session, product_id, view, extension)

    def _count_looks(self, session: Session, product_id: int, view: str, extension: Extension | None) -> int:
        try:
            tile_px = read_preprocessing(session, product_id, view).tile_px
        except InferenceError:
            tile_px = (0, 0)  # written by another release: the build says what is wrong with it
        if not any(tile_px):
            return self.count_sources(session, product_id, view) - (0 if extension is None else extension.n_known)
        from inference.vision.detection.features.tiling import count_tiles

        query = select(Image.height_px, Image.width_px).where(
            Image.product_id == product_id, Image.split == "train", *of_view(view)
        )
        if extension is not None:
            added = [row.id for row in extension.added]
            query = query.where(or_(Image.image_type == "defect", col(Image.id).in_(added)))
        return sum(count_tiles((height, width), tile_px=tile_px) for height, width in session.exec(query))

    def snapshot(self, services: Services, session: Session, product: Product, view: str = "") -> BankSnapshot:
        """Return the images and settings of now. Raises NotReady without normal images, InferenceError."""
        # First, so that an image that is added meanwhile makes the version out of date rather than go unnoticed.
        fingerprint = fingerprints(session, [product.id]).get((MEMORY_BANK, product.id, place_of("", view)), "")
        normals = training_rows(session, product.id, "normal", view)
        defects = training_rows(session, product.id, "defect", view)
        if not normals:
            raise NotReady("no_normal_images", product=speak(session, product, view))
        # Always built: asking for what is up to date is asking for a bank that is built whole.
        plan = BuildPart("", fingerprint, active_version(session, MEMORY_BANK, product.id, view=view))
        return BankSnapshot(
            product=product,
            parts=(plan,),
            view=view,
            normals=normals,
            defects=defects[:MAX_CALIBRATION_DEFECTS],
            unused_defects=defects[MAX_CALIBRATION_DEFECTS:],
            choice=chosen_for(session, DETECTION, product.id, view),
            preprocessing=read_preprocessing(session, product.id, view),
            extension=find_extension(session, product.id, view, rows=normals),
            test=test_set(session, product.id, view),
            leaks=tuple(find_test_leaks_in(session, product.id, view)),
            defect_codes=read_codes(session, product.id),
            review_share=read_policy(session).review_share,
        )

    def build(
        self, run: JobRun, snapshot: BankSnapshot, plan: BuildPart, earlier: Mapping[str, BuiltBank]
    ) -> BuiltBank:
        """Train the detector, or extend the one in use, and calibrate its thresholds."""
        log_origins(run, snapshot.label, [*snapshot.normals, *snapshot.defects], plan.before)
        return train_bank(run, snapshot)

    def evaluate(
        self, run: JobRun, snapshot: BankSnapshot, plan: BuildPart, built: BuiltBank
    ) -> TestMeasurement | None:
        """Measure the detector with its thresholds; None without test images."""
        if not snapshot.test.rows:
            return None
        measured = measure(
            run.services.objects,
            built.trained.model,
            snapshot.test,
            review_at=built.calibration.review_at,
            reject_at=built.calibration.reject_at,
            bit_depth=built.config.preprocessing.reading,
            progress=lambda done, total: run.progress("evaluate", done, total),
        )
        auroc = measured.figures.image_auroc
        run.log(
            "log_measured",
            product=snapshot.label,
            image_auroc="–" if auroc is None else f"{auroc:.4f}",
            n_test=len(snapshot.test.rows),
        )
        for spot in measured.figures.weak_on_test:
            for code, params in weak_messages(spot):
                run.log("log_weak_on_test", product=snapshot.label, reason=code, reason_params=params)
        return measured

    def accept(
        self,
        run: JobRun,
        snapshot: BankSnapshot,
        plan: BuildPart,
        measured: TestMeasurement | None,
        built: BuiltBank,
    ) -> Acceptance:
        """Compare with the bank in use on the same images, and ask the policy."""
        judged = Judged(
            review_at=built.calibration.review_at,
            reject_at=built.calibration.reject_at,
            normal_scores=built.trained.normal_scores,
            defect_scores=_defect_scores(built, measured),
            calibration_defects=tuple(built.defect_scores.values()),
            percentile=built.calibration.figures.get("percentile"),
        )
        candidate = BankCandidate(judged, measured, snapshot.test, snapshot.defects, snapshot.defect_codes)
        return accept_bank(run, snapshot.label, plan.before, candidate)

    def save(self, run: JobRun, snapshot: BankSnapshot, built: BuiltBank, folder: Path) -> str:
        """Write the detector's bundle."""
        preprocessing = built.config.preprocessing.to_dict()
        metadata = {"product": snapshot.product.code, "preprocessing": preprocessing}
        if snapshot.view:
            metadata["view"] = snapshot.view
        return built.trained.model.save(folder, metadata=metadata).sha256

    def describe(
        self, snapshot: BankSnapshot, plan: BuildPart, built: BuiltBank, measured: TestMeasurement | None
    ) -> Description:
        """Return what the row of the bank tells, with its calibrated thresholds."""
        calibration = built.calibration
        figures = ThresholdFigures(CalibrationFigures.from_json(calibration.figures), _warnings(snapshot, built))
        return Description(
            model_name=snapshot.choice.option.name,
            sources=BankSources(
                normal_ids=tuple(row.id for row in snapshot.normals),
                defect_ids=tuple(row.id for row in snapshot.defects),
                unused_defect_ids=tuple(row.id for row in snapshot.unused_defects),
                options=snapshot.choice.options,
                growth=built.trained.growth,
                set_apart={one.image_id: one.score for one in built.set_apart},
                set_apart_at=built.trained.set_apart_at,
            ),
            figures=BankFigures(
                None if measured is None else measured.figures,
                built.spec.describe(built.trained.model),
                _defect_scores(built, measured),
                built.trained.head,
                built.trained.input_choice,
                # A bank that can be extended has them among what it grew from.
                {} if built.trained.growth is not None else built.trained.normal_scores,
            ),
            preprocessing=built.config.preprocessing.to_dict(),
            threshold=ThresholdSetting(
                model_version_id=0,
                review_at=calibration.review_at,
                reject_at=calibration.reject_at,
                method=calibration.method,
                figures=figures.to_json(),
            ),
        )

    def note_added(
        self,
        session: Session,
        snapshot: BankSnapshot,
        built: BuiltBank,
        measured: TestMeasurement | None,
        version: ModelVersion,
    ) -> None:
        """Store the scores of the test images, and which normal images do not look like the others."""
        if measured is not None:
            save_measurement(session, version.id, measured.figures, measured.images, measured_by=version.created_by)
        scores = {one.image_id: one.score for one in built.set_apart}
        judged = {row.id for row in snapshot.normals if key_of(row) in built.trained.normal_scores}
        note_suspected(
            session,
            snapshot.product.id,
            scores,
            limit=built.trained.set_apart_at or 0.0,
            now=utc_now(),
            judged=judged | scores.keys(),
        )

    def note_activation(self, run: JobRun, version: ModelVersion, product: Product) -> None:
        """Log that the index of defective places was made with another bank, where it was."""
        if regions_stale(run.services, product.id, version.view):
            run.log("log_regions_stale", product=label_of(product.code, version.view), number=version.number)

    def open(self, models: ModelCache, version: ModelVersion) -> None:
        """Load the detector."""
        models.memory_bank(version)

    def conclude(
        self,
        run: JobRun,
        snapshot: BankSnapshot,
        results: Sequence[PartResult[BuiltBank, TestMeasurement | None]],
    ) -> ProductOutcome:
        """Return the outcome: the one part of a memory bank is always built."""
        (result,) = results
        assert isinstance(result, NewVersion)
        built = result.built
        figures = DetectionFigures() if result.measured is None else result.measured.figures
        return ProductOutcome(
            product_id=snapshot.product.id,
            code=snapshot.product.code,
            outcome=ACTIVATED if result.acceptance.activate else CANDIDATE,
            reason=result.acceptance.reason,
            version_id=result.version.id,
            number=result.version.number,
            metrics=figures.summary,
            warnings=_warnings(snapshot, built),
            notices=list_notices(run.services, snapshot.product.id, snapshot.view),
            calibration=CalibrationFigures.from_json(built.calibration.figures),
            skipped_images=built.skipped,
            set_apart=built.set_apart,
            held_back=result.acceptance.held_back,
            weak_on_test=figures.weak_on_test,
            head=built.trained.head,
        )


def _defect_scores(built: BuiltBank, measured: TestMeasurement | None) -> dict[str, float]:
    """Return the scores of all labeled defects that were scored, of either split."""
    return {**built.defect_scores, **({} if measured is None else measured.defect_scores)}


def _warnings(snapshot: BankSnapshot, built: BuiltBank) -> tuple[str, ...]:
    """Return what the calibration warns of, and that test images show parts of the training."""
    return (*built.calibration.warnings, *([SPLIT_LEAK] if snapshot.leaks else []))

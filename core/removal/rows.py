"""Every row and object that hangs on a product: what is found, and deleted children before parents."""

from __future__ import annotations

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from core.identity import BATCHES, COMPARISONS, IMPORTS, TRAINING_FOLDER
from core.jobs.records import JobPayload
from core.rollups.counting import forget_products
from storage.json_fields import read_objects, read_text
from storage.tables import (
    Backup,
    Batch,
    BatchItem,
    ChecklistTick,
    Comparison,
    ConversationTurn,
    DatasetVersion,
    DatasetVersionImage,
    DefectType,
    Delivery,
    DeliveryTarget,
    FusionSetting,
    GaugeAppraiser,
    GaugePart,
    GaugeRating,
    GaugeStudy,
    GaugeTrial,
    Image,
    ImageBox,
    ImageImport,
    ImageImportItem,
    ImagePreprocessing,
    Inspection,
    InspectionCost,
    InspectionView,
    Job,
    Manual,
    MethodModel,
    ModelVersion,
    NoteDraft,
    Prediction,
    Product,
    ProductView,
    PromptTemplate,
    ReportRun,
    ReportSchedule,
    ResponseHistory,
    RunEpoch,
    SearchHistory,
    SecondOpinion,
    TestMeasurement,
    TestScore,
    ThresholdSetting,
    TrackedRun,
    TrackingEvent,
    TrainingRun,
    TrashedImage,
    User,
    UserBinding,
    WatchFile,
    WatchFolder,
)


def is_busy(session: Session, ids: list[int]) -> bool:
    """Return whether a job that waits or runs has to do with one of the products."""
    jobs = session.exec(select(Job).where(col(Job.state).in_(["queued", "running"]))).all()
    wanted = set(ids)
    return any(job.product_id in wanted or wanted & set(JobPayload.from_json(job.payload).product_ids) for job in jobs)


def list_bound_alone(session: Session, ids: list[int]) -> list[str]:
    """Return the login names of accounts in use that are bound to these products and to no other."""
    query = select(User.login, UserBinding.product_id).join(UserBinding, col(UserBinding.user_id) == col(User.id))
    bound: dict[str, set[int]] = {}
    for login, product_id in session.exec(query.where(UserBinding.kind == "product", col(User.is_active))):
        if product_id is not None:
            bound.setdefault(login, set()).add(product_id)
    return sorted(login for login, products in bound.items() if products <= set(ids))


def list_product_objects(session: Session, ids: list[int]) -> tuple[list[str], list[str]]:
    """Return the keys of the objects that the products' rows name, and the prefixes of whole folders."""
    keys: list[str] = []
    for image in session.exec(select(Image).where(col(Image.product_id).in_(ids))):
        keys += [key for key in (image.object_key, image.thumbnail_key, image.mask_key) if key]
    for trashed in session.exec(select(TrashedImage).where(col(TrashedImage.product_id).in_(ids))):
        keys += [key for key in (trashed.object_key, trashed.thumbnail_key, trashed.mask_key) if key]
    for inspection in session.exec(select(Inspection).where(col(Inspection.product_id).in_(ids))):
        keys += [inspection.image_key, inspection.thumbnail_key, inspection.heat_map_key]
    inspections = select(Inspection.id).where(col(Inspection.product_id).in_(ids))
    by_view = select(InspectionView).where(col(InspectionView.inspection_id).in_(inspections))
    for picture in session.exec(by_view):
        keys += [picture.image_key, picture.thumbnail_key, picture.heat_map_key]
    keys += session.exec(select(SecondOpinion.map_key).where(col(SecondOpinion.inspection_id).in_(inspections))).all()
    studies = select(GaugeStudy.id).where(col(GaugeStudy.product_id).in_(ids))
    for trial in session.exec(select(GaugeTrial).where(col(GaugeTrial.study_id).in_(studies))):
        keys += [trial.image_key, trial.thumbnail_key]
    keys += session.exec(select(Manual.object_key).where(col(Manual.product_id).in_(ids))).all()
    folders = session.exec(select(Batch.folder).where(col(Batch.product_id).in_(ids), Batch.folder != "")).all()
    prefixes = [f"{BATCHES}{folder}" for folder in folders]
    jobs = select(Job.id).where(col(Job.product_id).in_(ids))
    staged = select(ImageImport.staged).where(col(ImageImport.job_id).in_(jobs), ImageImport.staged != "")
    prefixes += [f"{IMPORTS}{folder}" for folder in session.exec(staged)]
    schedules = select(ReportSchedule.id).where(col(ReportSchedule.product_id).in_(ids))
    for files in session.exec(select(ReportRun.files).where(col(ReportRun.schedule_id).in_(schedules))):
        # Those that were put into a folder of the server belong to whoever is given them.
        keys += [read_text(one.get("place")) or "" for one in read_objects(files) if one.get("in_folder") is not True]
    keys += session.exec(select(Comparison.result_key).where(col(Comparison.product_id).in_(ids))).all()
    for run in session.exec(select(TrainingRun).where(col(TrainingRun.product_id).in_(ids))):
        keys += [run.result_key, run.last_checkpoint_key]
    compared = session.exec(select(Comparison.id).where(col(Comparison.product_id).in_(ids))).all()
    prefixes += [f"{COMPARISONS}{number}" for number in compared]
    trained = session.exec(select(TrainingRun.id).where(col(TrainingRun.product_id).in_(ids))).all()
    prefixes += [f"{TRAINING_FOLDER}{number}" for number in trained]
    prefixes += session.exec(select(TrainingRun.object_prefix).where(col(TrainingRun.product_id).in_(ids))).all()
    prefixes += session.exec(select(MethodModel.object_prefix).where(col(MethodModel.product_id).in_(ids))).all()
    prefixes += session.exec(select(ModelVersion.object_prefix).where(col(ModelVersion.product_id).in_(ids))).all()
    return [key for key in keys if key], [prefix.rstrip("/") + "/" for prefix in prefixes if prefix]


def _delete_training_rows(session: Session, ids: list[int]) -> None:
    """Delete the training runs of the products; what was said about them in conversations stays."""
    runs = select(TrainingRun.id).where(col(TrainingRun.product_id).in_(ids))
    for child in (RunEpoch, TrackingEvent, TrackedRun):
        session.execute(delete(child).where(col(child.run_id).in_(runs)))
    session.execute(
        update(ConversationTurn).where(col(ConversationTurn.training_run_id).in_(runs)).values(training_run_id=None)
    )
    session.execute(delete(TrainingRun).where(col(TrainingRun.product_id).in_(ids)))


def _delete_method_rows(session: Session, ids: list[int]) -> None:
    """Delete what second opinions and comparisons of methods hold; inspections and jobs of the products still stand."""
    inspections = select(Inspection.id).where(col(Inspection.product_id).in_(ids))
    session.execute(delete(SecondOpinion).where(col(SecondOpinion.inspection_id).in_(inspections)))
    session.execute(delete(InspectionView).where(col(InspectionView.inspection_id).in_(inspections)))
    comparisons = select(Comparison.id).where(col(Comparison.product_id).in_(ids))
    session.execute(delete(Prediction).where(col(Prediction.comparison_id).in_(comparisons)))
    sets = select(DatasetVersion.id).where(col(DatasetVersion.product_id).in_(ids))
    session.execute(delete(DatasetVersionImage).where(col(DatasetVersionImage.dataset_version_id).in_(sets)))
    for table in (Comparison, MethodModel, DatasetVersion, PromptTemplate):
        session.execute(delete(table).where(col(table.product_id).in_(ids)))


def delete_product_rows(session: Session, ids: list[int]) -> None:
    """Delete the products with every row that hangs on them, inside the caller's transaction."""
    # Children before parents. Each statement names the products, so nothing of others can go with them.
    versions = select(ModelVersion.id).where(col(ModelVersion.product_id).in_(ids))
    jobs = select(Job.id).where(col(Job.product_id).in_(ids))
    batches = select(Batch.job_id).where(col(Batch.product_id).in_(ids))
    session.execute(delete(BatchItem).where(col(BatchItem.job_id).in_(batches)))
    session.execute(delete(Batch).where(col(Batch.product_id).in_(ids)))
    session.execute(delete(ResponseHistory).where(col(ResponseHistory.product_id).in_(ids)))
    session.execute(delete(SearchHistory).where(col(SearchHistory.product_id).in_(ids)))
    inspections = select(Inspection.id).where(col(Inspection.product_id).in_(ids))
    folders = select(WatchFolder.id).where(col(WatchFolder.product_id).in_(ids))
    targets = select(DeliveryTarget.id).where(col(DeliveryTarget.product_id).in_(ids))
    session.execute(delete(WatchFile).where(col(WatchFile.folder_id).in_(folders)))
    session.execute(delete(Delivery).where(col(Delivery.target_id).in_(targets)))
    for child in (ChecklistTick, NoteDraft, WatchFile, Delivery):
        session.execute(delete(child).where(col(child.inspection_id).in_(inspections)))
    _delete_training_rows(session, ids)
    _delete_method_rows(session, ids)
    session.execute(delete(Inspection).where(col(Inspection.product_id).in_(ids)))
    measured = select(TestMeasurement.id).where(col(TestMeasurement.model_version_id).in_(versions))
    session.execute(delete(TestScore).where(col(TestScore.measurement_id).in_(measured)))
    session.execute(delete(TestMeasurement).where(col(TestMeasurement.model_version_id).in_(versions)))
    studies = select(GaugeStudy.id).where(col(GaugeStudy.product_id).in_(ids))
    for member in (GaugeRating, GaugeTrial, GaugeAppraiser, GaugePart):
        session.execute(delete(member).where(col(member.study_id).in_(studies)))
    session.execute(delete(GaugeStudy).where(col(GaugeStudy.product_id).in_(ids)))
    session.execute(delete(ThresholdSetting).where(col(ThresholdSetting.model_version_id).in_(versions)))
    session.execute(delete(ModelVersion).where(col(ModelVersion.product_id).in_(ids)))
    session.execute(update(ModelVersion).where(col(ModelVersion.job_id).in_(jobs)).values(job_id=None))
    session.execute(update(Backup).where(col(Backup.job_id).in_(jobs)).values(job_id=None))
    session.execute(update(Inspection).where(col(Inspection.batch_job_id).in_(jobs)).values(batch_job_id=None))
    forget_products(session, ids)
    imports = select(ImageImport.id).where(col(ImageImport.job_id).in_(jobs))
    session.execute(delete(ImageImportItem).where(col(ImageImportItem.import_id).in_(imports)))
    session.execute(delete(ImageImport).where(col(ImageImport.job_id).in_(jobs)))
    schedules = select(ReportSchedule.id).where(col(ReportSchedule.product_id).in_(ids))
    session.execute(delete(ReportRun).where(col(ReportRun.schedule_id).in_(schedules)))
    curated = select(Image.id).where(col(Image.product_id).in_(ids))
    session.execute(delete(ImageBox).where(col(ImageBox.image_id).in_(curated)))
    for table in (
        TrashedImage, InspectionCost, WatchFolder, DeliveryTarget, ReportSchedule, Job, Image, Manual,
        ImagePreprocessing, DefectType, FusionSetting, ProductView,
    ):  # fmt: skip
        session.execute(delete(table).where(col(table.product_id).in_(ids)))
    # Not deleted: who was bound to nothing else would not be bound any more, and see everything.
    session.execute(update(UserBinding).where(col(UserBinding.product_id).in_(ids)).values(product_id=None))
    session.execute(delete(Product).where(col(Product.id).in_(ids)))

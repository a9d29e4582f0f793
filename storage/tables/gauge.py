"""Gauge studies: the same parts seen again and again, by the model and by people, apart from inspections."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Double, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import (
    BIG_ID,
    NEVER_REUSE_IDS,
    Versioned,
    json_list,
    json_object,
    long_text,
    moment,
    reference,
    row_id,
)


class GaugeStudy(Versioned, table=True):
    """What a study was planned as, and how far it is.

    `view` is the view of the product that is pictured, empty for a product without views. `setups` are the stations,
    fixtures or people who place the part: what is reproduced. The version and the thresholds that judge are those in
    use when the first picture is judged, and stay so. `seed` gave the random orders.
    """

    __tablename__: ClassVar[str] = "gauge_studies"
    __table_args__ = (
        CheckConstraint("kind IN ('score', 'verdict', 'both')", name="kind"),
        CheckConstraint("state IN ('draft', 'running', 'closed', 'cancelled')", name="state"),
        Index("ix_gauge_studies_product_id", "product_id"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = reference("products.id", index=False)
    view: str = Field(default="", max_length=64)
    name: str = Field(max_length=190)
    purpose: str = long_text()
    kind: str = Field(max_length=16)
    state: str = Field(default="draft", max_length=16, index=True)
    n_repeats: int
    n_pictures: int  # of each part at each setup: as many as repeats, or one that is shown again
    with_model: bool = True
    setups: list[str] = json_list()
    seed: int
    memory_bank_version_id: int | None = reference("model_versions.id", optional=True)
    review_at: float | None = Field(default=None, sa_type=Double, nullable=True)
    reject_at: float | None = Field(default=None, sa_type=Double, nullable=True)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    started_at: datetime | None = moment(optional=True)
    ended_at: datetime | None = moment(optional=True)
    ended_by: int | None = reference("users.id", optional=True, index=False)
    row_version: int = 1


class GaugePart(SQLModel, table=True):
    """One physical piece of a study. `reference` is what it really is, as far as it is known.

    `sources` name what its pictures are taken from when the study starts: curated images or inspections.
    """

    __tablename__: ClassVar[str] = "gauge_parts"
    __table_args__ = (
        UniqueConstraint("study_id", "place", name="uq_gauge_parts_study_place"),
        CheckConstraint("reference IN ('', 'good', 'defect')", name="reference"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    study_id: int = reference("gauge_studies.id", index=False)
    place: int
    name: str = Field(max_length=190)
    reference: str = Field(default="", max_length=8)
    reference_source: str = Field(default="", max_length=16)
    sources: dict[str, Any] = json_object()


class GaugeTrial(SQLModel, table=True):
    """One picture of a part at a setup: planned at the start, taken later, and judged by the model.

    `position` is its place in the random order in which the pictures are taken.
    """

    __tablename__: ClassVar[str] = "gauge_trials"
    __table_args__ = (
        UniqueConstraint("part_id", "setup", "repeat_no", name="uq_gauge_trials_cell"),
        Index("ix_gauge_trials_study_position", "study_id", "position"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    study_id: int = reference("gauge_studies.id", index=False)
    part_id: int = reference("gauge_parts.id", index=False)
    setup: int
    repeat_no: int
    position: int
    original_name: str = Field(default="", max_length=255)
    image_key: str = Field(default="", max_length=255)
    thumbnail_key: str = Field(default="", max_length=255)
    image_sha256: str = Field(default="", max_length=64)
    # Deliberately without foreign key: where the picture came from may be deleted later.
    inspection_id: int | None = Field(default=None, sa_type=BIG_ID, nullable=True)
    image_id: int | None = Field(default=None, sa_type=BIG_ID, nullable=True)
    taken_at: datetime | None = moment(optional=True)
    taken_by: int | None = reference("users.id", optional=True, index=False)
    score: float | None = Field(default=None, sa_type=Double, nullable=True)
    verdict: str = Field(default="", max_length=16)
    judged_at: datetime | None = moment(optional=True)
    error_code: str = Field(default="", max_length=64)
    error_params: dict[str, Any] = json_object()


class GaugeAppraiser(SQLModel, table=True):
    """A person who rates the parts of a study: with an account, or by name alone at a shared screen."""

    __tablename__: ClassVar[str] = "gauge_appraisers"
    __table_args__ = (
        UniqueConstraint("study_id", "place", name="uq_gauge_appraisers_study_place"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    study_id: int = reference("gauge_studies.id", index=False)
    place: int
    name: str = Field(max_length=190)
    user_id: int | None = reference("users.id", optional=True)


class GaugeRating(SQLModel, table=True):
    """One look of an appraiser at a part, in a random order of its own; `verdict` is empty until it was rated."""

    __tablename__: ClassVar[str] = "gauge_ratings"
    __table_args__ = (
        UniqueConstraint("appraiser_id", "position", name="uq_gauge_ratings_appraiser_position"),
        CheckConstraint("verdict IN ('', 'ok', 'reject')", name="verdict"),
        Index("ix_gauge_ratings_study_id", "study_id"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    study_id: int = reference("gauge_studies.id", index=False)
    appraiser_id: int = reference("gauge_appraisers.id", index=False)
    part_id: int = reference("gauge_parts.id", index=False)
    repeat_no: int
    position: int
    trial_id: int | None = reference("gauge_trials.id", optional=True, index=False)
    verdict: str = Field(default="", max_length=8)
    rated_at: datetime | None = moment(optional=True)
    rated_by: int | None = reference("users.id", optional=True, index=False)

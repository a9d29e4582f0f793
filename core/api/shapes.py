"""Shapes that several routes give out, as the OpenAPI page shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.errors import AppError


class Shape(BaseModel):
    """What is given out; it can be read from a row of the database by the names of its fields."""

    model_config = ConfigDict(from_attributes=True)


class Wanted(BaseModel):
    """What is taken in: a field that is not known is refused, because it would be lost without a word."""

    model_config = ConfigDict(extra="forbid", str_max_length=20_000)


class FieldProblem(Shape):
    """A field that is missing or wrong."""

    field: str
    message: str


class Problem(Shape):
    """An error (RFC 9457). `code` and `params` are for programs, `detail` is for people, in the language asked for."""

    type: str = Field(examples=["urn:geomsa:problem:no_active_memory_bank"])
    title: str = Field(examples=["Not possible in the present state"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["The product has no model in use yet. Deploy it first."])
    code: str = Field(examples=["no_active_memory_bank"])
    params: dict[str, Any] = Field(examples=[{"product": "Casting"}])
    errors: list[FieldProblem] | None = Field(default=None, description="The fields that are wrong, of a form or JSON.")


class FileError(Shape):
    """Why a file was not taken."""

    code: str
    message: str
    params: dict[str, Any] = Field(default_factory=dict)


def describe_error(error: AppError | None, language: str) -> FileError | None:
    """Return what is said of one file among many."""
    if error is None:
        return None
    from core.api.problems import describe_problem

    problem = describe_problem(error, language)
    return FileError(code=error.code, message=problem["detail"], params=problem["params"])

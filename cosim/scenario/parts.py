"""What all parts of a scenario share: strictness, and numbers with their ranges."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Efficiency = Annotated[float, Field(gt=0, le=1)]
TraceRef = Annotated[
    str,
    Field(
        min_length=3,
        description="A trace: `catalogue-id:column`, or `./file.csv:column` beside the YAML.",
        json_schema_extra={"examples": ["price/dayahead_de_fr_nl_be_2019:price_de_eur_mwh"]},
    ),
]


class Part(BaseModel):
    """Base of every part of a scenario: frozen, and nothing unknown is accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _written_out(value: Any) -> Any:
    """YAML reads a year as a number, and a library would take that for seconds since 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        message = "is a number; write an instant such as 2019-04-22T00:00:00Z"
        raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueError only
    return value


def _anchored(value: datetime) -> datetime:
    """The instant in UTC."""
    if value.tzinfo is None:
        raise ValueError(
            "has no time zone, so daylight saving is ambiguous; write it in UTC with a Z, "
            f"e.g. {value.isoformat()}Z"
        )
    return value.astimezone(UTC)


Instant = Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_anchored)]

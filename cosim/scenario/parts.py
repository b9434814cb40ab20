"""What all parts of a scenario share: strictness, and numbers with their ranges."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

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

"""What all tables share: how a time is kept, what the ledger answers for, how indexes are named."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Integer, MetaData, String, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

PERSONAL: dict[str, Any] = {"personal": True}  # Any: SQLAlchemy's own type of a column's info

Number = BigInteger().with_variant(Integer(), "sqlite")
"""A count that may pass two billion; SQLite's INTEGER has 64 bits already."""


class Moment(TypeDecorator[datetime]):
    """An aware UTC time; SQLite would otherwise give it back naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a naive time on the way in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Mark it UTC on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The parent of all rows."""

    metadata = MetaData(naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s",
    })  # fmt: skip
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Moment, dict[str, Any]: JSON, list[str]: JSON}
    governed: ClassVar[bool] = False


class Governed(Base):
    """A row the ledger answers for; `version` counts its changes."""

    __abstract__ = True
    governed = True

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    """Set and counted up by the unit of work; a change made on a version that has passed is refused."""
    created_at: Mapped[datetime]

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:  # Any: SQLAlchemy's own type of mapper arguments
        """Let SQLAlchemy count the version and refuse a lost update."""
        return {"version_id_col": cls.__table__.c.version}


class EventBase(DeclarativeBase):
    """The parent of rows in the events database."""

    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    type_annotation_map: ClassVar[dict[Any, Any]] = Base.type_annotation_map

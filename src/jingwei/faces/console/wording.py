"""Numbers, moments and texts as a page of one language writes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jingwei.core.clock import utc_now
from jingwei.core.evidence import Measure
from jingwei.core.text import Both, Language, text

PACKAGE = "faces.console"
_DAY = timedelta(days=1)
_UNITS = (("days", _DAY), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1)))
_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, slots=True)
class Texts:
    """How one language says things."""

    language: Language

    def say(self, name: str, /, **values: object) -> str:
        """Return a text of the console's own catalogue."""
        return text(f"{PACKAGE}:{name}", **values).of(self.language)

    def plain(self, value: object) -> object:
        """Turn a value of both languages into this one's; leave any other as it is."""
        if isinstance(value, Both):
            return value.of(self.language)
        return "" if value is None else value

    def listed(self, names: Iterable[str]) -> str:
        """Write names one after another."""
        return self.say("comma").join(names)


@dataclass(frozen=True, slots=True)
class Numbers(Texts):
    """How one language writes numbers."""

    def count(self, value: float) -> str:
        """Write a whole number with its thousands apart."""
        return f"{value:,.0f}"

    def percent(self, value: float) -> str:
        """Write a ratio as a percentage; one digit after the point where it says something."""
        return f"{value * 100:.1f}".removesuffix(".0") + "%"

    def share(self, part: float, whole: float) -> str:
        """Write how much of a whole is there, in whole percent."""
        return f"{100 * part / whole:.0f}%"

    def size(self, value: float) -> str:
        """Write a number of bytes."""
        step = 0
        while value >= 1024 and step < len(_BYTE_UNITS) - 1:
            value, step = value / 1024, step + 1
        return f"{value:.0f} {_BYTE_UNITS[step]}" if step == 0 else f"{value:.1f} {_BYTE_UNITS[step]}"

    def number(self, value: float, unit: str) -> str:
        """Write a measured number in its unit."""
        match unit:
            case "ratio":
                return self.percent(value)
            case "bytes":
                return self.size(value)
            case "seconds" | "milliseconds":
                return self.say(f"unit.{unit}", value=f"{value:,.1f}")
            case "score":
                return f"{value:.2f}"
            case _:
                return self.count(value)

    def interval(self, measure: Measure) -> str:
        """Write the 95 % interval of a measure, or nothing where it has none."""
        if measure.low is None or measure.high is None:
            return ""
        return f"{self.number(measure.low, measure.unit)} – {self.number(measure.high, measure.unit)}"


@dataclass(frozen=True, slots=True)
class Wording(Numbers):
    """How one language writes everything a page says; here, moments."""

    def day(self, moment: datetime) -> str:
        """Write a date."""
        local = moment.astimezone()
        if self.language == "zh":
            return self.say("date", year=local.year, month=local.month, day=local.day)
        return self.say("date", year=local.year, month=f"{local:%b}", day=local.day)

    def short_day(self, moment: datetime) -> str:
        """Write a date without its year."""
        local = moment.astimezone()
        month = local.month if self.language == "zh" else f"{local:%b}"
        return self.say("date.short", month=month, day=local.day)

    def moment(self, moment: datetime) -> str:
        """Write a date and the time of day."""
        return f"{self.day(moment)} {moment.astimezone():%H:%M}"

    def clock(self, moment: datetime) -> str:
        """Write the time of day to the second."""
        return f"{moment.astimezone():%H:%M:%S}"

    def hour(self, moment: datetime) -> str:
        """Write the hour of the day."""
        return f"{moment.astimezone():%H:00}"

    def lasted(self, seconds: float) -> str:
        """Write how long something took: in minutes, hours or days."""
        span = timedelta(seconds=seconds)
        name, unit = next(((name, unit) for name, unit in _UNITS if span >= 2 * unit), _UNITS[-1])
        return self.say(f"lasted.{name}", count=f"{span / unit:.1f}".removesuffix(".0"))

    def distance(self, moment: datetime, now: datetime | None = None) -> str:
        """Say how far off a moment is: `3 days ago`, `in 2 hours`."""
        away = moment - (now or utc_now())
        span = abs(away)
        for name, unit in _UNITS:
            if span >= unit:
                return self.say(f"{'in' if away > timedelta(0) else 'ago'}.{name}", count=round(span / unit))
        return self.say("now")

"""Settings: where a running Jingwei keeps its things, from the environment (`JINGWEI_…`) or the command line."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that differs between two installations."""

    model_config = SettingsConfigDict(env_prefix="JINGWEI_", frozen=True, extra="ignore")

    home: Path = Path("jingwei-data")
    """Folder of the databases, blobs, keys, spool and snapshot."""
    database: str = ""
    """SQLAlchemy URL; empty means SQLite under `home`."""
    packs: tuple[Path, ...] = ()
    """Folders with the organisation's own catalogue packs."""
    host: str = "127.0.0.1"
    port: int = Field(default=8010, gt=0, lt=65536)
    gateway_port: int = Field(default=8011, gt=0, lt=65536)
    snapshot_limit_seconds: float = Field(default=5.0, gt=0)
    """A gateway refuses when its snapshot is older than this."""
    max_upload_bytes: int = 64 * 1024 * 1024
    model_key: Path | None = None
    """Public key that a model served by this machine must be signed with; none demands no signature."""

    @property
    def database_url(self) -> str:
        """Return the URL of the state and ledger database."""
        return self.database or f"sqlite:///{self.home / 'jingwei.db'}"

    @property
    def jobs_url(self) -> str:
        """Return the URL of the jobs database: a file of its own on SQLite, the same server on PostgreSQL."""
        return self.database or f"sqlite:///{self.home / 'jobs.db'}"

    @property
    def events_url(self) -> str:
        """Return the URL of the event store: a file of its own on SQLite, so that writers do not wait on each other."""
        return self.database or f"sqlite:///{self.home / 'events.db'}"

    @property
    def blobs_path(self) -> Path:
        """Return the folder of the content-addressed store."""
        return self.home / "blobs"

    @property
    def keys_path(self) -> Path:
        """Return the folder of the platform's own keys."""
        return self.home / "keys"

    @property
    def anchor_path(self) -> Path:
        """Return the file outside the database that the ledger is anchored in."""
        return self.home / "anchors.jsonl"

    @property
    def snapshot_path(self) -> Path:
        """Return the signed snapshot that gateways of this host read."""
        return self.home / "gateway" / "snapshot.json"

    @property
    def spool_path(self) -> Path:
        """Return the folder that gateways of this host write their events to."""
        return self.home / "gateway" / "spool"

    @property
    def recordings_path(self) -> Path:
        """Return the folder that gateways of this host keep redacted recordings in."""
        return self.spool_path.parent / "recordings"

    @property
    def fixes_path(self) -> Path:
        """Return the folder of the queue of fixes."""
        return self.home / "fixes"

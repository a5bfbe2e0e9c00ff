"""The settings as typed values: one struct a section, one field a key, every default in sight.

`config.example.toml` says the same in words; a test holds the two together. Folders and the
database's file are absolute once the settings are read: relative ones count from the settings
file's folder.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from mailer.config.kinds import (
    AccessToken,
    BaseUrl,
    DatabasePlace,
    DomainKey,
    Host,
    Key,
    NewsroomKey,
    OneLine,
    Password,
    RelayHost,
)
from mailer.config.limits import LimitsSection
from mailer.config.neighbours import Origin, TrustedNetwork
from mailer.config.newsroom import NewsroomSection
from mailer.config.secret import DatabaseUrl
from mailer.config.sources import SourceSection
from mailer.core.forwarded import ProxyHeader
from mailer.core.limits import SignupTerms
from mailer.core.newsroom import Newsroom, Site
from mailer.core.pace import DomainLimit
from mailer.core.retention import Retention, Rule

Security = Literal["tls", "starttls", "none"]
Auth = Literal["auto", "plain", "login", "cram-md5", "xoauth2", "oauthbearer"]

SERVICE_PORTS: dict[Security, int] = {"tls": 465, "starttls": 587, "none": 25}
"""Where relays listen: submissions (RFC 8314), submission (RFC 6409), smtp (RFC 5321)."""

Port = Annotated[int, Meta(ge=1, le=65535)]
AnyPort = Annotated[int, Meta(ge=0, le=65535)]
AtLeastOne = Annotated[int, Meta(ge=1)]
NoneOrMore = Annotated[int, Meta(ge=0)]


class SiteSection(Struct, frozen=True, kw_only=True):
    """`[site]`: where readers find the pages."""

    base_url: BaseUrl


class KeysSection(Struct, frozen=True, kw_only=True):
    """`[keys]`: signs links and return paths (the last signs, all verify), hashes addresses."""

    tokens: tuple[Key, ...]
    returns: tuple[Key, ...]
    suppression: Key


class DatabaseSection(Struct, frozen=True, kw_only=True):
    """`[database]`: where everything is kept."""

    url: DatabasePlace = DatabaseUrl("sqlite:///mailer.sqlite")


class RelaySection(Struct, frozen=True, kw_only=True):
    """`[[relay]]`: one server that takes our mail, or one folder that keeps it; never both."""

    name: OneLine = "relay"
    host: RelayHost | None = None
    folder: Path | None = None
    port: Port | None = None
    security: Security = "starttls"
    username: OneLine | None = None
    password: Password | None = None
    token: AccessToken | None = None
    auth: Auth = "auto"
    order: AtLeastOne = 1
    weight: Annotated[int, Meta(ge=1, le=1000)] = 1
    connections: Annotated[int, Meta(ge=1, le=100)] = 8
    messages_per_second: Annotated[float, Meta(ge=0, le=100_000)] = 0
    messages_per_connection: AtLeastOne = 1000
    connection_seconds: Annotated[float, Meta(ge=1, le=86_400)] = 300
    helo: Host | None = None
    ca_file: Path | None = None
    smtputf8: bool = False
    insecure: bool = False

    @property
    def service_port(self) -> int:
        """The port to connect to: the given one, or the usual one for the security."""
        return self.port if self.port is not None else SERVICE_PORTS[self.security]


class DomainSection(Struct, frozen=True, kw_only=True):
    """`[domain."example.org"]`: how fast its readers may be written to; "*" is every other domain."""

    connections: NoneOrMore = 0
    messages_per_minute: Annotated[float, Meta(ge=0)] = 0


class WebSection(Struct, frozen=True, kw_only=True):
    """`[web]`: where the pages' own server listens (port 0 takes any free one), and who may come."""

    host: Host = "127.0.0.1"
    port: AnyPort = 8080
    trusted_proxies: tuple[TrustedNetwork, ...] = ()
    proxy_header: ProxyHeader = "x-forwarded-for"
    allowed_origins: tuple[Origin, ...] = ()


class DispatchSection(Struct, frozen=True, kw_only=True):
    """`[dispatch]`: the pace of the loop that works off due deliveries."""

    lease_seconds: AtLeastOne = 60
    retry_horizon_hours: AtLeastOne = 24
    poll_seconds: Annotated[float, Meta(ge=0.05, le=3600)] = 0.5


class RetentionSection(Struct, frozen=True, kw_only=True):
    """`[retention]`: how many days what is kept."""

    ip_days: NoneOrMore = 30
    user_agent_days: NoneOrMore = 30
    pending_days: Annotated[int, Meta(ge=3)] = 7
    replies_days: NoneOrMore = 90
    ended_days: Annotated[int, Meta(ge=7)] = 730
    audit_days: AtLeastOne = 730

    def value(self) -> Retention:
        """As the floors below know it."""
        return Retention(**{rule: timedelta(days=getattr(self, f"{rule}_days")) for rule in Rule})


class TemplatesSection(Struct, frozen=True, kw_only=True):
    """`[templates]`: the operator's own versions of templates, file by file."""

    folder: Path | None = None


class StateSection(Struct, frozen=True, kw_only=True):
    """`[state]`: where locks and journals of running commands lie."""

    folder: Path = Path("state")


class LogSection(Struct, frozen=True, kw_only=True):
    """`[log]`: what is told on standard error, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Settings(Struct, frozen=True, kw_only=True):
    """Everything an operator decides."""

    site: SiteSection
    keys: KeysSection
    relay: tuple[RelaySection, ...]
    newsroom: dict[NewsroomKey, NewsroomSection]
    source: tuple[SourceSection, ...] = ()
    domain: dict[DomainKey, DomainSection] = {}
    database: DatabaseSection = DatabaseSection()
    web: WebSection = WebSection()
    dispatch: DispatchSection = DispatchSection()
    limits: LimitsSection = LimitsSection()
    retention: RetentionSection = RetentionSection()
    templates: TemplatesSection = TemplatesSection()
    state: StateSection = StateSection()
    log: LogSection = LogSection()

    def newsrooms(self) -> dict[str, Newsroom]:
        """The newsrooms by key, in the order of the settings.

        A notice that has no address of its own is shown on a page of ours.
        """
        rooms = [section.value(key) for key, section in self.newsroom.items()]
        return {
            room.key: replace(room, privacy_url=f"{self.site.base_url}/{room.key}/privacy")
            if room.privacy_notice and not room.privacy_url
            else room
            for room in rooms
        }

    def domain_limits(self) -> dict[str, DomainLimit]:
        """The limits by domain, that of `core.pace.EVERY_OTHER` for all that are not named."""
        return {
            domain: DomainLimit(section.connections, section.messages_per_minute)
            for domain, section in self.domain.items()
        }

    def site_value(self) -> Site:
        """The site as the floors below know it."""
        return Site(
            self.site.base_url,
            trusted_proxies=self.web.trusted_proxies,
            proxy_header=self.web.proxy_header,
            allowed_origins=self.web.allowed_origins,
        )

    def signup_terms(self) -> SignupTerms:
        """What visitors may do, as the floors below know it."""
        servers = [section for section in self.relay if section.folder is None]
        return self.limits.value(smtputf8=all(section.smtputf8 for section in servers))

"""The one place that constructs things: settings become an office, transports and a dispatcher."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from mailer.config.secret import Secret, SecretFault, Token
from mailer.config.settings import RelaySection, Settings
from mailer.core.dkim import read_key
from mailer.core.errors import MailerError, ServiceMissing
from mailer.core.source import Source
from mailer.core.token import Marks, Tokens
from mailer.mail.sign import Seal, Signer
from mailer.mail.transport import Transport
from mailer.services.office import Keys, Limits, Office
from mailer.services.presence import Presence
from mailer.store.database import Database
from mailer.store.wakeup import Listener
from mailer.texts.templates import Templates

if TYPE_CHECKING:
    from mailer.services.dispatch import Dispatcher, Orders

log = logging.getLogger(__name__)


@contextmanager
def open_office(settings: Settings, *, wake: Callable[[], None] = lambda: None) -> Iterator[Office]:
    """An office over the settings' database, which must be at this program's schema.

    Args:
        wake: tells a dispatcher in the same process that something became due.

    Raises:
        SchemaOutdated: the database needs `mailer db upgrade`.
        ServiceMissing: the database cannot be reached.
    """
    database = Database(settings.database.url.reveal())
    try:
        database.require_head()
        yield Office(
            database=database,
            site=settings.site_value(),
            newsrooms=settings.newsrooms(),
            keys=_keys(settings),
            templates=Templates(settings.templates.folder),
            limits=_limits(settings),
            clock=_now,
            wake=wake,
            shared_clock=True,
            retention=settings.retention.value(),
            sources=_sources(settings),
        )
    finally:
        database.close()


def transports(settings: Settings) -> list[Transport]:
    """The ways out, in the order of the settings.

    Raises:
        ConfigFault: a relay's description is not safe to use.
    """
    return [_transport(section) for section in settings.relay]


def dispatcher(settings: Settings, office: Office, orders: "Orders") -> "Dispatcher":
    """A dispatcher over all transports; to be made in a running event loop.

    Raises:
        ConfigFault: a relay's description is not safe to use.
        MailerError: the state folder cannot be used.
    """
    from mailer.services.dispatch import Dispatcher  # noqa: PLC0415 - most commands send nothing

    return Dispatcher(office, transports(settings), Presence(settings.state.folder), orders)


def listener(office: Office, wake: Callable[[], object]) -> Listener:
    """Calls `wake` when another process makes something due; where the database can tell us."""
    return Listener(office.database, wake)


def _transport(section: RelaySection) -> Transport:
    if section.folder is not None:
        from mailer.mail.folder import FolderTransport  # noqa: PLC0415 - one of the two is enough

        return FolderTransport(
            section.folder,
            name=section.name,
            order=section.order,
            weight=section.weight,
            messages_per_second=section.messages_per_second,
        )
    from mailer.mail.relay import Relay  # noqa: PLC0415 - as above
    from mailer.mail.smtp import SmtpTransport  # noqa: PLC0415 - as above

    return SmtpTransport(
        Relay(
            name=section.name,
            host=section.host or "",
            port=section.service_port,
            security=section.security,
            username=section.username or "",
            password=section.password.reveal() if section.password else "",
            token=partial(_fresh, section.token, section.name) if section.token else None,
            auth=section.auth,
            helo=section.helo or "",
            order=section.order,
            weight=section.weight,
            connections=section.connections,
            messages_per_second=section.messages_per_second,
            messages_per_connection=section.messages_per_connection,
            connection_seconds=section.connection_seconds,
            ca_file=section.ca_file,
            insecure=section.insecure,
        )
    )


def _fresh(token: Token, relay: str) -> str:
    """A relay's token as it is now."""
    try:
        return token.fresh()
    except SecretFault as error:
        what, _, cure = str(error).partition("; ")
        raise ServiceMissing(
            f"Relay {relay} cannot be used without its token: {what}", cure
        ) from error


def _authorization(token: Token) -> str:
    """What a source asks for, as it is now: without it that source fails, and no other."""
    try:
        return token.fresh()
    except SecretFault as error:
        what, _, cure = str(error).partition("; ")
        raise MailerError(f"Its authorization cannot be read: {what}", cure) from error


def _sources(settings: Settings) -> dict[str, Source]:
    rooms = settings.newsrooms()
    return {
        section.key: section.value(
            rooms[section.newsroom],
            partial(_authorization, section.authorization) if section.authorization else None,
        )
        for section in settings.source
    }


def _keys(settings: Settings) -> Keys:
    return Keys(
        tokens=Tokens(_revealed(settings.keys.tokens)),
        marks=Marks(_revealed(settings.keys.returns)),
        suppression=settings.keys.suppression.reveal(),
        signers=_signers(settings),
    )


def _signers(settings: Settings) -> dict[str, Signer]:
    """Who signs for a sender's domain: all keys of all newsrooms that send from it, each once."""
    seals: dict[str, dict[tuple[str, str], Seal]] = {}
    for section in settings.newsroom.values():
        for dkim in section.dkim:
            domain = dkim.domain_for(section.sender)
            seal = Seal(domain, dkim.selector, read_key(dkim.key.reveal()))
            of_sender = seals.setdefault(section.sender.rpartition("@")[2].lower(), {})
            of_sender[domain, dkim.selector] = seal
    return {sender: Signer(tuple(found.values())) for sender, found in seals.items()}


def _revealed(keys: Sequence[Secret]) -> list[str]:
    return [key.reveal() for key in keys]


def _limits(settings: Settings) -> Limits:
    return Limits(
        signup_mail_interval=timedelta(minutes=settings.limits.signup_mail_interval_minutes),
        retry_horizon=timedelta(hours=settings.dispatch.retry_horizon_hours),
        lease=timedelta(seconds=settings.dispatch.lease_seconds),
        domains=settings.domain_limits(),
        signups=settings.signup_terms(),
        reminder_after=timedelta(hours=settings.limits.reminder_hours),
        late=timedelta(hours=settings.limits.late_hours),
        lapsed_kept=timedelta(days=settings.limits.lapsed_days),
        attachments=settings.limits.attachments_kilobytes * 1024,
    )


def _now() -> datetime:
    return datetime.now(UTC)

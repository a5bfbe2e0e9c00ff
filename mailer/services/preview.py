"""Shows the bytes a subscriber gets, or got: made from the same prepared message by the same composer."""

from mailer.core.address import Address
from mailer.core.delivery import Due, Purpose
from mailer.core.errors import NotFound
from mailer.core.token import keyed_hash
from mailer.mail.compose import Composer
from mailer.mail.message import Message
from mailer.services import press
from mailer.services.editions import prepare, text_for
from mailer.services.kept import as_prepared
from mailer.services.office import Office
from mailer.store import claims, editions, messages, people
from mailer.store.database import Connection
from mailer.store.people import SubscriptionRow


def preview(office: Office, release_id: int, address: Address) -> Message:
    """The message of a release to one subscriber.

    Once the release is published this is, byte for byte, what the dispatcher sends or has sent. Before
    that only the number in Message-ID and return path, and the Date, are not known yet.

    Raises:
        NotFound: no such release, or nobody subscribes with that address.
        MailerError: the message cannot be prepared.
    """
    row = press.shown(office, release_id)
    composer = Composer(office.keys.tokens, office.keys.marks, signers=office.keys.signers)
    with office.database.read() as connection:
        standing = _standing(office, connection, row.newsroom, address)
        if standing is None:
            raise NotFound(
                f"{address.typed} does not subscribe to {row.newsroom}",
                "see `mailer subscriber list`",
            )
        owed = claims.owed_to(connection, release_id, standing.id)
        texts = editions.texts(connection, release_id)
        if owed is not None:
            kept = as_prepared(messages.read_prepared(connection, owed.prepared_id))
            return composer.compose(kept, owed)
    due = Due(
        id=0,
        purpose=Purpose.RELEASE,
        prepared_id=0,
        subscription_id=standing.id,
        mailbox=standing.mailbox,
        made_at=office.clock(),
        attempts=0,
    )
    text = text_for(office.newsroom(row.newsroom), texts, standing.languages)
    return composer.compose(prepare(office, row, text), due)


def _standing(
    office: Office, connection: Connection, newsroom: str, address: Address
) -> SubscriptionRow | None:
    known = people.subscriptions_of(connection, keyed_hash(office.keys.suppression, address.lookup))
    return next((one for one in known if one.newsroom == newsroom), None)

"""a release may wait for one reader's digest in several languages, a row each"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0016'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
COLUMNS = (
    'subscription_id', 'release_id', 'mailing_id', 'origin', 'state', 'since', 'due_at', 'settled_at', 'delivery_id',
    'edition_id', 'carrier_id',
)
SHOWN = "coalesce((SELECT edition.language FROM edition WHERE edition.id = digest_due.edition_id), '')"
ORIGINS = " OR ".join(f"origin = '{word}'" for word in ('release', 'catch_up', 'passed'))
STATES = " OR ".join(f"state = '{word}'" for word in ('waiting', 'taken', 'ended', 'withdrawn'))


def upgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        _in_place()
    else:
        _anew()


def _in_place() -> None:
    language = sa.Column('language', sa.String(length=35), server_default='', nullable=False)
    op.add_column('digest_due', language)
    op.execute(f'UPDATE digest_due SET language = {SHOWN} WHERE edition_id IS NOT NULL')
    op.drop_constraint('pk_digest_due', 'digest_due')
    op.create_primary_key('pk_digest_due', 'digest_due', ['subscription_id', 'release_id', 'language'])


def _anew() -> None:
    """SQLite changes no key: the table is made again, and nothing refers to it."""
    op.rename_table('digest_due', 'digest_due_before')
    op.create_table('digest_due',
    sa.Column('subscription_id', KEY, nullable=False),
    sa.Column('release_id', KEY, nullable=False),
    sa.Column('language', sa.String(length=35), server_default='', nullable=False),
    sa.Column('mailing_id', KEY, nullable=True),
    sa.Column('origin', sa.String(length=8), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delivery_id', KEY, nullable=True),
    sa.Column('edition_id', KEY, nullable=True),
    sa.Column('carrier_id', KEY, nullable=True),
    sa.CheckConstraint(ORIGINS, name=op.f('ck_digest_due_origin')),
    sa.CheckConstraint(STATES, name=op.f('ck_digest_due_state')),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscription.id'], name=op.f('fk_digest_due_subscription_id_subscription'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['carrier_id'], ['subscription.id'], name=op.f('fk_digest_due_carrier_id_subscription'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['release_id'], ['release.id'], name=op.f('fk_digest_due_release_id_release')),
    sa.ForeignKeyConstraint(['mailing_id'], ['mailing.id'], name=op.f('fk_digest_due_mailing_id_mailing')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_digest_due_delivery_id_delivery'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['edition_id'], ['edition.id'], name=op.f('fk_digest_due_edition_id_edition')),
    sa.PrimaryKeyConstraint('subscription_id', 'release_id', 'language', name=op.f('pk_digest_due')),
    )
    shown = SHOWN.replace('digest_due', 'digest_due_before')
    op.execute(
        f"INSERT INTO digest_due ({', '.join(COLUMNS)}, language)"
        f" SELECT {', '.join(COLUMNS)}, {shown} FROM digest_due_before"
    )
    op.drop_table('digest_due_before')
    op.create_index('ix_digest_due_release_id', 'digest_due', ['release_id'])
    for name, columns, rows in (
        ('waiting', ['due_at', 'subscription_id'], "state = 'waiting'"),
        ('delivery_id', ['delivery_id'], 'delivery_id IS NOT NULL'),
        ('carrier_id', ['carrier_id'], 'carrier_id IS NOT NULL'),
    ):
        op.create_index(
            f'ix_digest_due_{name}', 'digest_due', columns, sqlite_where=sa.text(rows)
        )

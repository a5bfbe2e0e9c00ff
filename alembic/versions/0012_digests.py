"""digests"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
ORIGINS = " OR ".join(f"origin = '{word}'" for word in ('release', 'catch_up', 'passed'))
STATES = " OR ".join(f"state = '{word}'" for word in ('waiting', 'taken', 'ended', 'withdrawn'))


def upgrade() -> None:
    for column in (
        sa.Column('hour', sa.SmallInteger(), server_default='8', nullable=False),
        sa.Column('weekday', sa.SmallInteger(), server_default='0', nullable=False),
        sa.Column('urgent_at_once', sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column('merged', sa.Boolean(), server_default=sa.false(), nullable=False),
    ):
        op.add_column('subscription', column)
    op.add_column(
        'mailing',
        sa.Column('urgent_at_once', sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_table('digest_due',
    sa.Column('subscription_id', KEY, nullable=False),
    sa.Column('release_id', KEY, nullable=False),
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
    sa.PrimaryKeyConstraint('subscription_id', 'release_id', name=op.f('pk_digest_due')),
    )
    op.create_index('ix_digest_due_release_id', 'digest_due', ['release_id'])
    for name, columns, rows in (
        ('waiting', ['due_at', 'subscription_id'], "state = 'waiting'"),
        ('delivery_id', ['delivery_id'], 'delivery_id IS NOT NULL'),
        ('carrier_id', ['carrier_id'], 'carrier_id IS NOT NULL'),
    ):
        op.create_index(
            f'ix_digest_due_{name}', 'digest_due', columns,
            sqlite_where=sa.text(rows), postgresql_where=sa.text(rows),
        )
    op.create_table('gathering',
    sa.Column('mailing_id', KEY, autoincrement=False, nullable=False),
    sa.Column('gathered_to', KEY, nullable=False),
    sa.ForeignKeyConstraint(['mailing_id'], ['mailing.id'], name=op.f('fk_gathering_mailing_id_mailing')),
    sa.PrimaryKeyConstraint('mailing_id', name=op.f('pk_gathering')),
    )

"""evidence and its retention"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('consent') as batch:
        batch.add_column(sa.Column('privacy', sa.String(length=64), nullable=True))
        batch.add_column(sa.Column('generation', sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f('fk_consent_privacy_wording'), 'wording', ['privacy'], ['hash']
        )
    for column in ('ip', 'user_agent'):
        where = sa.text(f'{column} IS NOT NULL')
        op.create_index(
            f'ix_consent_{column}', 'consent', ['at'],
            sqlite_where=where, postgresql_where=where,
        )
    ended = sa.text("state = 'ended'")
    op.create_index(
        'ix_subscription_ended_at', 'subscription', ['ended_at'],
        sqlite_where=ended, postgresql_where=ended,
    )
    timer = op.create_table(
        'timer',
        sa.Column('name', sa.String(length=32), nullable=False),
        sa.Column('next_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_timer')),
    )
    # Set from the start, so that no dispatcher has to look whether it ever was. In UTC on both databases:
    # SQLite keeps no zone.
    soon = datetime.now(UTC) + timedelta(hours=6)
    if op.get_bind().dialect.name == 'sqlite':
        soon = soon.replace(tzinfo=None)
    op.bulk_insert(timer, [{'name': 'retention', 'next_at': soon}])
    op.create_table(
        'tidied',
        sa.Column(
            'mailing_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'),
            autoincrement=False, nullable=False,
        ),
        sa.Column(
            'upto', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False
        ),
        sa.Column('at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['mailing_id'], ['mailing.id'], name=op.f('fk_tidied_mailing_id_mailing')
        ),
        sa.PrimaryKeyConstraint('mailing_id', name=op.f('pk_tidied')),
    )

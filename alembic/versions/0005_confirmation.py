"""codes, reminders and the end of a request"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)
TO_TEND = sa.text("tend_at IS NOT NULL")


def upgrade() -> None:
    op.add_column('request', sa.Column('attempt', KEY, nullable=True))
    op.add_column(
        'request', sa.Column('entries', sa.SmallInteger(), server_default='0', nullable=False)
    )
    op.add_column('request', sa.Column('renews', KEY, nullable=True))
    op.add_column('request', sa.Column('tend_at', MOMENT, nullable=True))
    op.create_index('uq_request_attempt', 'request', ['attempt'], unique=True)
    op.create_index('uq_request_renews', 'request', ['renews'], unique=True)
    op.create_index(
        'ix_request_tend_at', 'request', ['tend_at'],
        sqlite_where=TO_TEND, postgresql_where=TO_TEND,
    )
    op.create_table(
        'guess',
        sa.Column('attempt', KEY, autoincrement=False, nullable=False),
        sa.Column('entries', sa.SmallInteger(), nullable=False),
        sa.Column('made_at', MOMENT, nullable=False),
        sa.PrimaryKeyConstraint('attempt', name=op.f('pk_guess')),
    )
    op.create_index('ix_guess_made_at', 'guess', ['made_at'])
    op.create_table(
        'lapsed',
        sa.Column('hash', sa.String(length=64), nullable=False),
        sa.Column('until', MOMENT, nullable=False),
        sa.PrimaryKeyConstraint('hash', name=op.f('pk_lapsed')),
    )
    op.create_index('ix_lapsed_until', 'lapsed', ['until'])
    op.create_index('ix_consent_request_id', 'consent', ['request_id'])
    op.create_index('ix_delivery_subscription_id', 'delivery', ['subscription_id'])
    op.create_index('ix_returned_delivery_id', 'returned', ['delivery_id'])
    # What waits already is looked at once, and forgotten when its time has come.
    op.execute(
        "UPDATE request SET tend_at = expires_at WHERE kind = 'signup' AND subscription_id IN"
        " (SELECT id FROM subscription WHERE state = 'pending')"
    )

"""urgent mailings, when they began, retries by mailing, the health of relays"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

WAITING = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    for table in ('release', 'mailing'):
        op.add_column(
            table, sa.Column('urgent', sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    op.add_column('mailing', sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True))
    op.drop_index('ix_delivery_due_at', table_name='delivery')
    op.create_index(
        'ix_delivery_waiting', 'delivery', ['mailing_id', 'due_at'],
        sqlite_where=WAITING, postgresql_where=WAITING,
    )
    op.create_table(
        'relay_health',
        sa.Column('relay', sa.String(length=100), nullable=False),
        sa.Column('host', sa.String(length=64), nullable=False),
        sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
        sa.Column('fault', sa.Text(), nullable=True),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('relay', 'host', name=op.f('pk_relay_health')),
    )

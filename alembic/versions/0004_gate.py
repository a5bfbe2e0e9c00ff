"""what bounds sign-ups"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'bucket',
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('empty_at', sa.BigInteger(), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('kind', 'name', name=op.f('pk_bucket')),
    )
    op.create_index('ix_bucket_empty_at', 'bucket', ['empty_at'])
    op.create_table(
        'surge',
        sa.Column('lane', sa.String(length=16), nullable=False),
        sa.Column('since', sa.DateTime(timezone=True), nullable=False),
        sa.Column('until', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('lane', name=op.f('pk_surge')),
    )
    op.create_table(
        'held_notice',
        sa.Column('delivery_id', BIG_KEY, nullable=False),
        sa.Column('held_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['delivery_id'], ['delivery.id'],
            name=op.f('fk_held_notice_delivery_id_delivery'), ondelete='CASCADE',
        ),
        sa.PrimaryKeyConstraint('delivery_id', name=op.f('pk_held_notice')),
    )

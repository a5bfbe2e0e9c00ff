"""audiences whose rows are written in portions"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.add_column('mailing', sa.Column('fanned_to', number, nullable=True))
    for name in ('unwritten', 'portion'):
        op.add_column('mailing', sa.Column(name, sa.Integer(), server_default='0', nullable=False))
    op.create_index('ix_subscription_newsroom_id', 'subscription', ['newsroom', 'id'])

"""whose copies a subscription stands for after a change of address"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('inherited',
    sa.Column('subscription_id', KEY, autoincrement=False, nullable=False),
    sa.Column('from_id', KEY, autoincrement=False, nullable=False),
    sa.Column('mark', KEY, autoincrement=False, nullable=False),
    sa.Column('until', KEY, nullable=False),
    sa.Column('here', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscription.id'], name=op.f('fk_inherited_subscription_id_subscription'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['from_id'], ['subscription.id'], name=op.f('fk_inherited_from_id_subscription'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('subscription_id', 'from_id', 'mark', name=op.f('pk_inherited')),
    )
    op.create_index('ix_inherited_from_id', 'inherited', ['from_id'])
    # Of what was merged before nobody knows the moment: it counts from the next entry on.
    op.execute(
        'INSERT INTO inherited (subscription_id, from_id, mark, until, here)'
        ' SELECT into_id, subscription_id, entry.next, entry.next, false'
        ' FROM merged, (SELECT COALESCE(MAX(id), 0) + 1 AS next FROM consent) AS entry'
    )

"""what readers choose"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
ACTS = " OR ".join(
    f"act = '{act}'"
    for act in ('asked', 'confirmed', 'imported', 'chosen', 'left', 'ended', 'suppressed')
)
CHOOSY = sa.text("(topics IS NOT NULL OR paused_until IS NOT NULL OR frequency <> 'at_once')")


def upgrade() -> None:
    op.add_column(
        'subscription', sa.Column('paused_until', sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        'subscription', sa.Column('revision', sa.Integer(), server_default='0', nullable=False)
    )
    op.create_index(
        'ix_subscription_choosy', 'subscription', ['newsroom', 'state'],
        sqlite_where=CHOOSY, postgresql_where=CHOOSY,
    )
    op.add_column('mailing', sa.Column('topics', sa.JSON(), nullable=True))
    with op.batch_alter_table('consent') as batch_op:
        batch_op.drop_constraint(op.f('ck_consent_act'), type_='check')
        batch_op.add_column(sa.Column('choice', sa.JSON(), nullable=True))
        batch_op.create_check_constraint(op.f('ck_consent_act'), sa.text(ACTS))
    op.create_table('erased',
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_erased'))
    )
    op.create_table('manage_link',
    sa.Column('id', KEY, autoincrement=True, nullable=False),
    sa.Column('subscriber_id', KEY, nullable=False),
    sa.Column('newsroom', sa.String(length=64), nullable=False),
    sa.Column('language', sa.String(length=35), nullable=False),
    sa.Column('generations', sa.JSON(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['subscriber_id'], ['subscriber.id'], name=op.f('fk_manage_link_subscriber_id_subscriber'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_manage_link')),
    sqlite_autoincrement=True,
    )
    op.create_index('ix_manage_link_subscriber_id_made_at', 'manage_link', ['subscriber_id', 'made_at'])
    op.create_index('ix_manage_link_expires_at', 'manage_link', ['expires_at'])
    op.create_table('move',
    sa.Column('request_id', KEY, autoincrement=False, nullable=False),
    sa.Column('subscriber_id', KEY, nullable=False),
    sa.ForeignKeyConstraint(['request_id'], ['request.id'], name=op.f('fk_move_request_id_request'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['subscriber_id'], ['subscriber.id'], name=op.f('fk_move_subscriber_id_subscriber'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_id', name=op.f('pk_move'))
    )
    op.create_index('ix_move_subscriber_id', 'move', ['subscriber_id'])
    op.create_table('merged',
    sa.Column('subscription_id', KEY, autoincrement=False, nullable=False),
    sa.Column('into_id', KEY, nullable=False),
    sa.ForeignKeyConstraint(['into_id'], ['subscription.id'], name=op.f('fk_merged_into_id_subscription'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscription.id'], name=op.f('fk_merged_subscription_id_subscription'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('subscription_id', name=op.f('pk_merged'))
    )
    op.create_index('ix_merged_into_id', 'merged', ['into_id'])

"""language editions and what readers choose"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
CHOOSY = sa.text(
    "(topics IS NOT NULL OR kinds IS NOT NULL OR places IS NOT NULL"
    " OR paused_until IS NOT NULL OR frequency <> 'at_once')"
)


def upgrade() -> None:
    for column in (
        sa.Column('kinds', sa.JSON(), nullable=True),
        sa.Column('places', sa.JSON(), nullable=True),
        sa.Column('every_language', sa.Boolean(), server_default=sa.false(), nullable=False),
    ):
        op.add_column('subscription', column)
    op.drop_index('ix_subscription_choosy', 'subscription')
    op.create_index(
        'ix_subscription_choosy', 'subscription', ['newsroom', 'state'],
        sqlite_where=CHOOSY, postgresql_where=CHOOSY,
    )
    every = sa.text('every_language')
    op.create_index(
        'ix_subscription_every_language', 'subscription', ['newsroom'],
        sqlite_where=every, postgresql_where=every,
    )
    op.add_column(
        'release', sa.Column('places', sa.JSON(), server_default=sa.text("'[]'"), nullable=False)
    )
    for column in (
        sa.Column('kinds', sa.JSON(), nullable=True),
        sa.Column('places', sa.JSON(), nullable=True),
        sa.Column('language', sa.String(length=35), nullable=True),
        sa.Column('to_all', sa.Boolean(), server_default=sa.true(), nullable=False),
    ):
        op.add_column('mailing', column)
    translated = sa.text("kind = 'translation'")
    op.create_index(
        'uq_mailing_translation', 'mailing', ['release_id', 'language'], unique=True,
        sqlite_where=translated, postgresql_where=translated,
    )
    op.create_table('translation',
    sa.Column('release_id', KEY, autoincrement=False, nullable=False),
    sa.Column('language', sa.String(length=35), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state = 'held' OR state = 'approved'", name=op.f('ck_translation_state')),
    sa.ForeignKeyConstraint(
        ['release_id'], ['release.id'], name=op.f('fk_translation_release_id_release')
    ),
    sa.PrimaryKeyConstraint('release_id', 'language', name=op.f('pk_translation')),
    )
    approved = sa.text("state = 'approved'")
    op.create_index(
        'ix_translation_approved', 'translation', ['release_id'],
        sqlite_where=approved, postgresql_where=approved,
    )
    op.create_table('kept_file',
    sa.Column('release_id', KEY, autoincrement=False, nullable=False),
    sa.Column('place', sa.String(length=16), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(
        ['release_id'], ['release.id'], name=op.f('fk_kept_file_release_id_release')
    ),
    sa.PrimaryKeyConstraint('release_id', 'place', name=op.f('pk_kept_file')),
    )

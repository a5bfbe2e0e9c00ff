"""sources and what was decided about their releases"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def moment(name: str, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    for column in (
        sa.Column('cure', sa.Text(), nullable=True),
        moment('failing_since'),
        sa.Column('turn', sa.Integer(), server_default='0', nullable=False),
        sa.Column('place', sa.Text(), nullable=True),
        sa.Column('terms', sa.String(length=64), nullable=True),
        sa.Column('digest', sa.String(length=64), nullable=True),
        sa.Column('last', sa.JSON(), nullable=True),
        moment('found_at'),
        sa.Column('hub', sa.Text(), nullable=True),
        sa.Column('topic', sa.Text(), nullable=True),
        sa.Column('hub_state', sa.String(length=16), server_default='', nullable=False),
        sa.Column('hub_fault', sa.Text(), nullable=True),
        moment('hub_asked_at'),
        moment('hub_until'),
        moment('pushed_at'),
    ):
        op.add_column('source_state', column)
    for column in (
        sa.Column('joint', sa.String(length=200), nullable=True),
        moment('dated'),
        sa.Column('dated_as', sa.String(length=100), server_default='', nullable=False),
        sa.Column('approval', sa.String(length=8), server_default='hold', nullable=False),
        sa.Column('decisions', sa.JSON(), nullable=True),
    ):
        op.add_column('release', column)
    joint = sa.text('joint IS NOT NULL')
    op.create_index(
        'ix_release_joint', 'release', ['joint'], sqlite_where=joint, postgresql_where=joint
    )
    op.create_index('ix_edition_fingerprint', 'edition', ['fingerprint'])
    op.create_index('ix_release_alias_release_id', 'release_alias', ['release_id'])
    op.create_table(
        'approval',
        sa.Column('release_id', KEY, nullable=False),
        sa.Column('who', sa.String(length=100), nullable=False),
        sa.Column('edition_id', KEY, nullable=False),
        moment('at', nullable=False),
        sa.ForeignKeyConstraint(
            ['release_id'], ['release.id'], name=op.f('fk_approval_release_id_release')
        ),
        sa.ForeignKeyConstraint(
            ['edition_id'], ['edition.id'], name=op.f('fk_approval_edition_id_edition')
        ),
        sa.PrimaryKeyConstraint('release_id', 'who', name=op.f('pk_approval')),
    )
    op.create_table(
        'push',
        sa.Column('id', KEY, autoincrement=True, nullable=False),
        sa.Column('source', sa.String(length=64), nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=False),
        sa.Column('media_type', sa.String(length=200), nullable=False),
        sa.Column('payload', sa.LargeBinary(), nullable=False),
        moment('at', nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_push')),
        sa.UniqueConstraint('source', 'digest', name=op.f('uq_push_source_digest')),
    )
    op.create_table(
        'folder_file',
        sa.Column('source', sa.String(length=64), nullable=False),
        sa.Column('path', sa.String(length=500), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=False),
        sa.Column('stamp', sa.BigInteger(), nullable=False),
        moment('since', nullable=False),
        sa.Column('taken', sa.Boolean(), nullable=False),
        sa.Column('fault', sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint('source', 'path', name=op.f('pk_folder_file')),
    )

"""what became of a held release, and what a release's source said last of its embargo"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.add_column('release', sa.Column('became', KEY, nullable=True))
    op.add_column('release', sa.Column('embargo_said', sa.DateTime(timezone=True), nullable=True))
    for name in ('became', 'embargo_said'):
        rows = sa.text(f'{name} IS NOT NULL')
        op.create_index(
            f'ix_release_{name}', 'release', [name], sqlite_where=rows, postgresql_where=rows
        )

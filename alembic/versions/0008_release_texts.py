"""files and pictures of editions, and what a release says of itself"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is there has none. Added with a default so that rows need no second pass; the default stays, as the
    # tables declare it.
    for column in ('files', 'pictures'):
        op.add_column(
            'edition',
            sa.Column(column, sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        )

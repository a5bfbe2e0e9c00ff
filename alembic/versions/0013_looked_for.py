"""indexes for what is looked for: who was erased of late, and a newsroom's newest releases"""

from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_erased_made_at', 'erased', ['made_at'])
    op.create_index(
        'ix_release_newsroom_state_published_at', 'release', ['newsroom', 'state', 'published_at']
    )

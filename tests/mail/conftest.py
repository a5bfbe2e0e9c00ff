"""What several tests of mail share."""

import pytest
from support.certificates import Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A throw-away authority and its servers' certificates."""
    return Certificates(tmp_path_factory.mktemp("certificates"))

"""Settings for properties, beside what the profile in conftest says of all."""

from hypothesis import HealthCheck, settings

ONE_FIXTURE = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
"""All examples share what a fixture made once. (A list of one's own takes the place of the profile's.)"""

import pytest

from logscrub.config import Audience, Settings, Support, load_settings
from logscrub.errors import UsageError

SECRET = "hunter2"


def told(toml: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings(toml, {})
    return str(caught.value)


def test_defaults_stand_without_a_file_and_flags_win_over_one() -> None:
    assert load_settings(None, {}) == Settings()
    settings = load_settings('min_support = 20\naudience = "mixed"', {"min_support": 30, "audience": None})
    assert settings.min_support == 30
    assert settings.audience is Audience.MIXED


def test_every_setting_can_be_given_in_toml() -> None:
    toml = """
        timezone = "Europe/Paris"
        audience = "child-directed"
        min_support = 2
        support = "visitors"
        ipv4_prefix = 16
        ipv6_prefix = 32
        own_hosts = ["Example.com.", "example.com"]
        reject_limit = 1
        range_bytes = 1
        block_bytes = 1
        shards = 3
    """
    settings = load_settings(toml, {})
    assert settings.support is Support.VISITORS
    assert settings.own_hosts == ("example.com",)
    assert settings.reject_limit == 1


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        (f"password = {SECRET}", "not valid TOML"),
        (f'"password" = "{SECRET}', "not valid TOML"),
        (f'password = "{SECRET}"\npassword = "{SECRET}"', "not valid TOML"),
        ("min_support = " + "1" * 5000, "not valid TOML"),
        ("own_hosts = " + "[" * 5000, "not valid TOML"),
        (f'password = "{SECRET}"', "password: no such setting; known are: timezone, format"),
        (f'[output]\npath = "{SECRET}"', "output: no such setting"),
        (f'min_support = "{SECRET}"', "min_support"),
        ("min_support = true", "min_support"),
        ("min_support = 10.0", "min_support"),
        (f'[min_support]\nx = "{SECRET}"', "min_support"),
        ("min_support = 1", "min_support: Input should be greater than or equal to 2"),
        ("min_support = -10", "min_support"),
        (f'timezone = "{SECRET}"', "timezone: not an IANA time zone"),
        ('timezone = ""', "timezone: not an IANA time zone"),
        (f'timezone = "../../{SECRET}"', "timezone: not an IANA time zone"),
        (f'timezone = "/etc/{SECRET}"', "timezone: not an IANA time zone"),
        ('timezone = "\\u0000"', "timezone: not an IANA time zone"),
        (f'audience = "{SECRET}"', "audience: Input should be 'general', 'mixed' or 'child-directed'"),
        (f'support = "{SECRET}"', "support"),
        (f'own_hosts = "{SECRET}"', "own_hosts"),
        (f'own_hosts = ["{SECRET}", 5]', "own_hosts.1"),
        ("ipv4_prefix = 25", "ipv4_prefix"),
        ("ipv6_prefix = 49", "ipv6_prefix"),
        ('reject_limit = "0.5"', "reject_limit"),
        ("reject_limit = true", "reject_limit"),
        ("reject_limit = nan", "reject_limit"),
        ("reject_limit = 1.5", "reject_limit"),
        ("shards = 0", "shards"),
        ("block_bytes = 0", "block_bytes"),
    ],
)
def test_a_bad_configuration_is_told_by_key_and_never_by_value(toml: str, expected: str) -> None:
    message = told(toml)
    assert expected in message
    assert SECRET not in message
    assert "pydantic" not in message


def test_all_problems_are_told_at_once() -> None:
    message = told('timezone = "nowhere"\nmin_support = 1\nshoe_size = 43')
    assert all(key in message for key in ("timezone", "min_support", "shoe_size"))


def test_the_policy_hash_changes_with_what_changes_output_and_not_with_the_layout() -> None:
    base = Settings()
    assert Settings(range_bytes=100, block_bytes=100, shards=7).policy_hash() == base.policy_hash()
    others = [
        Settings(timezone="Europe/Paris"),
        Settings(audience=Audience.MIXED),
        Settings(min_support=11),
        Settings(support=Support.VISITORS),
        Settings(ipv4_prefix=16),
        Settings(own_hosts=("example.com",)),
    ]
    assert len({settings.policy_hash() for settings in [base, *others]}) == 7

"""Every setting, read once: defaults, then the TOML file, then CROSSDOCK_* variables, then the command line.

Nothing else reads the environment. A setting of a section is written `[ftp] idle_timeout_s = 600` in TOML and
`CROSSDOCK_FTP_IDLE_TIMEOUT_S=600` as a variable; the options of `crossdock serve` have no section.
"""

from crossdock.settings.aws_section import AwsSettings
from crossdock.settings.catalogue import SettingRow, setting_rows
from crossdock.settings.certificate_paths import certificate_paths
from crossdock.settings.errors import BadSetting
from crossdock.settings.sections import (
    DEFAULT_ACCOUNTS,
    ApiSettings,
    FtpSettings,
    FtpsSettings,
    LambdaSettings,
    LoginSettings,
    LogSettings,
    Settings,
    SftpSettings,
    UploadSettings,
)
from crossdock.settings.sources import data_dir_of, foreign_variables, load_settings, unknown_variables
from crossdock.settings.values import check_option

__all__ = [
    "DEFAULT_ACCOUNTS",
    "ApiSettings",
    "AwsSettings",
    "BadSetting",
    "FtpSettings",
    "FtpsSettings",
    "LambdaSettings",
    "LogSettings",
    "LoginSettings",
    "SettingRow",
    "Settings",
    "SftpSettings",
    "UploadSettings",
    "certificate_paths",
    "check_option",
    "data_dir_of",
    "foreign_variables",
    "load_settings",
    "setting_rows",
    "unknown_variables",
]

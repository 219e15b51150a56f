"""Every option once, and where its value comes from.

Sources, later ones win: the defaults, a TOML file, `NEWSRIVER_SECTION__KEY` in the environment,
`--set section.key=value` on the command line.
"""

from pipelines.settings.load import (
    ENVIRONMENT_PREFIX,
    FILE_NAME,
    as_environment,
    load_settings,
    option_names,
    secrets_among,
    sections,
    unknown_variables,
    variable_of,
)
from pipelines.settings.options import (
    AlertSettings,
    CleanSettings,
    ElasticsearchSettings,
    FetchSettings,
    KafkaSettings,
    KibanaSettings,
    PollSettings,
    ProcessSettings,
    RiverSettings,
    SandboxSettings,
    SearchSettings,
    Section,
    ServeSettings,
    Settings,
    StackSettings,
    data_folder,
)

__all__ = [
    "ENVIRONMENT_PREFIX",
    "FILE_NAME",
    "AlertSettings",
    "CleanSettings",
    "ElasticsearchSettings",
    "FetchSettings",
    "KafkaSettings",
    "KibanaSettings",
    "PollSettings",
    "ProcessSettings",
    "RiverSettings",
    "SandboxSettings",
    "SearchSettings",
    "Section",
    "ServeSettings",
    "Settings",
    "StackSettings",
    "as_environment",
    "data_folder",
    "load_settings",
    "option_names",
    "secrets_among",
    "sections",
    "unknown_variables",
    "variable_of",
]

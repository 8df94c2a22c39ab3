"""pytest glue. `claims.plugin` turns declared claims into items, `reports.plugin` turns what happened into evidence."""

pytest_plugins = ["claims.plugin", "reports.plugin"]
